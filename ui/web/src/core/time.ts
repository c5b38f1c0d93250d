// Time: the expressions of the range (`now-15m`, RFC 3339), what people type, how instants are shown, and the
// moves of the time picker. No clock in here: whoever calls says what `now` is, in epoch milliseconds.

export type Zone = "local" | "utc";

/** A range as it stands in the URL: two expressions. */
export interface RangeExpr {
  readonly from: string;
  readonly to: string;
}

/** A range in epoch milliseconds, start inclusive, end exclusive. */
export interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** The quick ranges of the picker. */
export const QUICK_RANGES: readonly { readonly label: string; readonly from: string }[] = [
  { label: "Last 5 minutes", from: "now-5m" },
  { label: "Last 15 minutes", from: "now-15m" },
  { label: "Last hour", from: "now-1h" },
  { label: "Last 3 hours", from: "now-3h" },
  { label: "Last 12 hours", from: "now-12h" },
  { label: "Last 24 hours", from: "now-24h" },
  { label: "Last 2 days", from: "now-2d" },
  { label: "Last 7 days", from: "now-7d" },
  { label: "Last 30 days", from: "now-30d" },
  { label: "Last 90 days", from: "now-90d" },
];

export const DEFAULT_RANGE: RangeExpr = { from: "now-1h", to: "now" };

const RELATIVE = /^now(?:\s*([+-])\s*(\d{1,9})\s*(ms|s|m|h|d|w))?$/i;
const RFC3339 = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/i;
const CIVIL = /^(?:(\d{4})-(\d\d?)-(\d\d?))?(?:[T\s]*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?$/;

/** The instant of a URL expression in epoch ms; `undefined` when it is not one. */
export function resolveInstant(expr: string, nowMs: number): number | undefined {
  const relative = RELATIVE.exec(expr.trim());
  if (relative) {
    const [, sign, amount, unit] = relative;
    if (!sign || !amount || !unit) return nowMs;
    const delta = Number(amount) * (UNIT_MS[unit.toLowerCase()] ?? 0);
    return sign === "-" ? nowMs - delta : nowMs + delta;
  }
  if (!RFC3339.test(expr.trim())) return undefined;
  const ms = Date.parse(expr.trim().replace(" ", "T").replace(",", "."));
  return Number.isNaN(ms) ? undefined : ms;
}

/** Both ends of a range, or `undefined` if either is no instant or they are the wrong way round. */
export function resolveRange(range: RangeExpr, nowMs: number): Range | undefined {
  const startMs = resolveInstant(range.from, nowMs);
  const endMs = resolveInstant(range.to, nowMs);
  if (startMs === undefined || endMs === undefined || startMs >= endMs) return undefined;
  return { startMs, endMs };
}

/**
 * What someone typed into From or To, as a URL expression: relative (`now-2h`, `-2h`, `2h`), RFC 3339, a civil
 * date and time in `zone` (either part may be missing), or an epoch number (s, ms, µs or ns by its size).
 */
export function parseTyped(text: string, nowMs: number, zone: Zone): string | undefined {
  const typed = text.trim();
  if (RELATIVE.test(typed)) return typed.toLowerCase().replace(/\s+/g, "");
  if (/^-?\s*\d{1,9}\s*(?:ms|s|m|h|d|w)$/i.test(typed)) return `now-${typed.replace(/[-\s]/g, "").toLowerCase()}`;
  if (RFC3339.test(typed)) {
    const ms = resolveInstant(typed, nowMs);
    return ms === undefined ? undefined : toRfc3339(ms);
  }
  if (/^\d{9,19}$/.test(typed)) {
    const ms = epochToMs(typed);
    return ms === undefined ? undefined : toRfc3339(ms);
  }
  const ms = parseCivil(typed, nowMs, zone);
  return ms === undefined ? undefined : toRfc3339(ms);
}

/** Epoch digits to ms; the unit follows from how many there are. */
function epochToMs(digits: string): number | undefined {
  const value = Number(digits);
  const ms =
    digits.length <= 11 ? value * 1e3 : digits.length <= 14 ? value : digits.length <= 17 ? value / 1e3 : value / 1e6;
  return Math.abs(ms) <= 8.64e15 ? Math.floor(ms) : undefined;
}

function parseCivil(text: string, nowMs: number, zone: Zone): number | undefined {
  const match = CIVIL.exec(text);
  if (!match || text === "") return undefined;
  const today = civil(nowMs, zone);
  const [, y, mo, d, h, mi, s, fraction] = match;
  const year = y ? Number(y) : today.year;
  const month = mo ? Number(mo) : today.month;
  const day = d ? Number(d) : today.day;
  const hour = Number(h ?? 0);
  const minute = Number(mi ?? 0);
  const second = Number(s ?? 0);
  const ms = Number((fraction ?? "0").padEnd(3, "0").slice(0, 3));
  const instant =
    zone === "utc"
      ? Date.UTC(year, month - 1, day, hour, minute, second, ms)
      : new Date(year, month - 1, day, hour, minute, second, ms).getTime();
  // A day or an hour that does not exist rolls over in Date: refuse it instead of guessing.
  const back = civil(instant, zone);
  const same =
    back.year === year && back.month === month && back.day === day && hour < 24 && minute < 60 && second < 60;
  return same ? instant : undefined;
}

interface Civil {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
}

function civil(ms: number, zone: Zone): Civil {
  const at = new Date(ms);
  return zone === "utc"
    ? {
        year: at.getUTCFullYear(),
        month: at.getUTCMonth() + 1,
        day: at.getUTCDate(),
        hour: at.getUTCHours(),
        minute: at.getUTCMinutes(),
        second: at.getUTCSeconds(),
        ms: at.getUTCMilliseconds(),
      }
    : {
        year: at.getFullYear(),
        month: at.getMonth() + 1,
        day: at.getDate(),
        hour: at.getHours(),
        minute: at.getMinutes(),
        second: at.getSeconds(),
        ms: at.getMilliseconds(),
      };
}

const two = (n: number): string => String(n).padStart(2, "0");
const three = (n: number): string => String(n).padStart(3, "0");

/** `2026-11-22T10:00:00Z`, with milliseconds only where there are some. */
export function toRfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

export type Precision = "ms" | "s" | "minute" | "day";

/** `2026-11-22 10:00:00.123` in the zone, as far as the precision goes. */
export function formatInstant(ms: number, zone: Zone, precision: Precision = "ms"): string {
  const c = civil(ms, zone);
  const date = `${c.year}-${two(c.month)}-${two(c.day)}`;
  if (precision === "day") return date;
  const minutes = `${date} ${two(c.hour)}:${two(c.minute)}`;
  if (precision === "minute") return minutes;
  return precision === "s" ? `${minutes}:${two(c.second)}` : `${minutes}:${two(c.second)}.${three(c.ms)}`;
}

/** How much of an instant a column of times needs. */
export type RowDate = "none" | "day" | "year";

/** The date that tells the rows of a range apart; an open range may hold anything. */
export function rowDateFor(range: Range | undefined, zone: Zone): RowDate {
  if (!range) return "day";
  const [first, last] = [range.startMs, range.endMs - 1].map((ms) => formatInstant(ms, zone, "day"));
  if (first === last) return "none";
  return first?.slice(0, 4) === last?.slice(0, 4) ? "day" : "year";
}

/** The time column: with as much of the date as the rows need. */
export function formatRowTime(rfc3339: string, zone: Zone, date: RowDate): string {
  const ms = Date.parse(rfc3339);
  if (Number.isNaN(ms)) return rfc3339;
  return formatInstant(ms, zone, "ms").slice({ none: 11, day: 5, year: 0 }[date]);
}

/** The full instant with all digits that it was sent with (up to nanoseconds). */
export function formatExact(rfc3339: string, zone: Zone): string {
  const ms = Date.parse(rfc3339);
  if (Number.isNaN(ms)) return rfc3339;
  const digits = /\.(\d+)/.exec(rfc3339)?.[1] ?? "";
  return `${formatInstant(ms, zone, "s")}.${digits.padEnd(3, "0")}`;
}

/** What the picker's button says. */
export function describeRange(range: RangeExpr, zone: Zone): string {
  if (range.to === "now") {
    const quick = QUICK_RANGES.find((q) => q.from === range.from);
    if (quick) return quick.label;
    const relative = RELATIVE.exec(range.from);
    if (relative?.[2]) return `Last ${relative[2]} ${relative[3]}`;
  }
  const side = (expr: string): string => {
    const ms = RFC3339.test(expr) ? resolveInstant(expr, 0) : undefined;
    return ms === undefined ? expr : formatInstant(ms, zone, ms % 1000 === 0 ? "s" : "ms");
  };
  const [from, to] = [side(range.from), side(range.to)];
  return from.slice(0, 10) === to.slice(0, 10) && from.length > 10 ? `${from} to ${to.slice(11)}` : `${from} to ${to}`;
}

/** A fixed range of these instants. */
export function fixedRange(startMs: number, endMs: number): RangeExpr {
  return { from: toRfc3339(Math.floor(startMs)), to: toRfc3339(Math.ceil(endMs)) };
}

/** Half a width back (-1) or forward (+1); forward never beyond now. */
export function shiftRange(range: Range, direction: -1 | 1, nowMs: number): RangeExpr {
  const width = range.endMs - range.startMs;
  const step = direction * Math.max(1, Math.round(width / 2));
  const endMs = direction > 0 ? Math.max(range.endMs, Math.min(range.endMs + step, nowMs)) : range.endMs + step;
  return fixedRange(endMs - width, endMs);
}

/** Twice the width around the same middle, the end not beyond now. */
export function zoomOut(range: Range, nowMs: number): RangeExpr {
  const width = Math.max(2, range.endMs - range.startMs);
  const endMs = Math.min(range.endMs + width / 2, Math.max(nowMs, range.endMs));
  return fixedRange(Math.max(0, endMs - 2 * width), endMs);
}

/** The instant one nanosecond later, digits kept: the exclusive end of a range that holds only `rfc3339`. */
export function nextNanosecond(rfc3339: string): string {
  const match = /^(.*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)$/i.exec(rfc3339);
  const ms = Date.parse(rfc3339);
  if (!match || Number.isNaN(ms)) return rfc3339;
  const nanos = Number((match[2] ?? "").padEnd(9, "0")) + 1;
  if (nanos < 1e9) return `${match[1]}.${String(nanos).padStart(9, "0")}${match[3]}`;
  return new Date(Math.floor(ms / 1000) * 1000 + 1000).toISOString().replace(".000Z", ".000000000Z");
}

/** `850 ms`, `12 s`, `3 m 20 s`, `2 h`, `4 d`: at most two parts, for widths of buckets and ranges. */
export function formatSpan(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  const units: [string, number][] = [
    ["d", DAY_MS],
    ["h", HOUR_MS],
    ["m", MINUTE_MS],
    ["s", SECOND_MS],
  ];
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of units) {
    const amount = Math.floor(rest / size);
    if (amount > 0) parts.push(`${amount} ${unit}`);
    rest -= amount * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** `just now`, `5 minutes ago`, `3 days ago`. */
export function formatAgo(ms: number, nowMs: number): string {
  const ago = nowMs - ms;
  if (ago < 5 * SECOND_MS) return "just now";
  const say = (amount: number, unit: string): string => `${amount} ${unit}${amount === 1 ? "" : "s"} ago`;
  if (ago < MINUTE_MS) return say(Math.floor(ago / SECOND_MS), "second");
  if (ago < HOUR_MS) return say(Math.floor(ago / MINUTE_MS), "minute");
  if (ago < DAY_MS) return say(Math.floor(ago / HOUR_MS), "hour");
  return say(Math.floor(ago / DAY_MS), "day");
}

/** The zone's name as a badge: `UTC`, `Europe/Madrid`. */
export function zoneName(zone: Zone): string {
  return zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}
