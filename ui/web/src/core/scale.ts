// The numbers behind the histogram's drawing: stacked segments, round axis values, time ticks, and the bucket under a point.

import { STACK_ORDER, type Level, levelOf } from "./level";
import { formatInstant, type Range, type Zone } from "./time";

export interface Bucket {
  readonly startMs: number;
  readonly count: number;
  /** Counts per normalised level; what carries none is `none`. They add up to `count`. */
  readonly byLevel: Readonly<Partial<Record<Level, number>>>;
}

export interface Histogram {
  readonly stepMs: number;
  readonly total: number;
  readonly buckets: readonly Bucket[];
  readonly partial: boolean;
}

/** The API's reply as the page uses it. Counts that name no level go to `none`, so that bars always add up. */
export function readHistogram(reply: {
  step_ms: number;
  total: number;
  partial?: boolean;
  buckets: readonly { start: string; count: number; by?: Readonly<Record<string, number>> }[];
}): Histogram {
  const buckets = reply.buckets.map(({ start, count, by }) => {
    const byLevel: Partial<Record<Level, number>> = {};
    let named = 0;
    for (const [value, n] of Object.entries(by ?? {})) {
      const level = levelOf(value);
      byLevel[level] = (byLevel[level] ?? 0) + n;
      named += n;
    }
    if (count > named) byLevel.none = (byLevel.none ?? 0) + count - named;
    return { startMs: Date.parse(start), count, byLevel };
  });
  return { stepMs: reply.step_ms, total: reply.total, buckets, partial: reply.partial === true };
}

/** The levels that occur, in stacking order, with their totals. */
export function levelTotals(histogram: Histogram): { level: Level; count: number }[] {
  return STACK_ORDER.map((level) => ({
    level,
    count: histogram.buckets.reduce((sum, bucket) => sum + (bucket.byLevel[level] ?? 0), 0),
  })).filter((entry) => entry.count > 0);
}

/** The next round number at or above `value`, close enough to it that bars use the height; at least 1. */
export function niceMax(value: number): number {
  if (!(value > 1)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].find((s) => s * power >= value) ?? 10;
  return Math.ceil(step * power);
}

export interface Segment {
  readonly level: Level;
  /** Shares of the axis height, from the bottom. */
  readonly y0: number;
  readonly y1: number;
}

/** The stacked parts of one bar, as shares of `max`. */
export function stack(bucket: Bucket, max: number): Segment[] {
  const segments: Segment[] = [];
  let below = 0;
  for (const level of STACK_ORDER) {
    const count = bucket.byLevel[level] ?? 0;
    if (count <= 0) continue;
    segments.push({ level, y0: below / max, y1: (below + count) / max });
    below += count;
  }
  return segments;
}

/** The bucket at a share (0 to 1) of the width, clamped. */
export function bucketAt(share: number, count: number): number {
  return Math.max(0, Math.min(count - 1, Math.floor(share * count)));
}

/** The instants from bucket `a` to bucket `b`, both included, in any order, cut to the searched range. */
export function brushRange(histogram: Histogram, a: number, b: number, within: Range): Range | undefined {
  const first = histogram.buckets[Math.min(a, b)];
  const last = histogram.buckets[Math.max(a, b)];
  if (!first || !last) return undefined;
  const startMs = Math.max(within.startMs, first.startMs);
  const endMs = Math.min(within.endMs, last.startMs + histogram.stepMs);
  return startMs < endMs ? { startMs, endMs } : undefined;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Round distances between ticks, up to a fortnight; wider apart, ticks stand on the first of a month. */
const TICK_STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 7, 14].map((n) => n * DAY_MS),
];
const TICK_STEPS_MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600];
const MONTH_MS = 30 * DAY_MS;

export interface Tick {
  readonly ms: number;
  readonly label: string;
}

/** At most `max` time ticks on round instants of the zone, labelled no finer than they need. */
export function timeTicks(range: Range, max: number, zone: Zone): Tick[] {
  const width = range.endMs - range.startMs;
  const step = TICK_STEPS_MS.find((s) => width / s <= Math.max(1, max));
  if (step === undefined) return monthTicks(range, Math.max(1, max), zone);
  const offset = zone === "utc" ? 0 : new Date(range.startMs).getTimezoneOffset() * MINUTE_MS;
  const ticks: Tick[] = [];
  for (let ms = Math.ceil((range.startMs - offset) / step) * step + offset; ms < range.endMs; ms += step) {
    ticks.push({ ms, label: tickLabel(ms, step, zone) });
  }
  return ticks;
}

function monthTicks(range: Range, max: number, zone: Zone): Tick[] {
  const months = (range.endMs - range.startMs) / MONTH_MS;
  const step = TICK_STEPS_MONTHS.find((s) => months / s <= max) ?? Math.ceil(months / max);
  const ticks: Tick[] = [];
  const [year = 1970, month = 1] = formatInstant(range.startMs, zone, "day").split("-").map(Number);
  for (let i = Math.ceil((12 * year + month - 1) / step) * step; ticks.length < max; i += step) {
    const [y, m] = [Math.floor(i / 12), i % 12];
    const ms = zone === "utc" ? Date.UTC(y, m) : new Date(y, m).getTime();
    if (!(ms < range.endMs)) break;
    const label = formatInstant(ms, zone, "day");
    if (ms >= range.startMs) ticks.push({ ms, label: step >= 12 ? label.slice(0, 4) : label.slice(0, 7) });
  }
  return ticks;
}

function tickLabel(ms: number, stepMs: number, zone: Zone): string {
  const full = formatInstant(ms, zone, "ms");
  const midnight = full.endsWith("00:00:00.000");
  if (stepMs >= DAY_MS || (stepMs >= MINUTE_MS && midnight)) return full.slice(5, 10);
  if (stepMs >= MINUTE_MS) return full.slice(11, 16);
  return stepMs >= SECOND_MS ? full.slice(11, 19) : full.slice(14, 23);
}
