import { expect, test } from "vitest";

import { levelOf } from "./level";
import { brushRange, bucketAt, levelTotals, niceMax, readHistogram, stack, timeTicks } from "./scale";

const T0 = Date.parse("2026-11-22T10:00:00Z");
const at = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();

const data = readHistogram({
  step_ms: 60_000,
  total: 16,
  buckets: [
    { start: at(0), count: 10, by: { info: 7, error: 1, WARNING: 1 } },
    { start: at(1), count: 0 },
    { start: at(2), count: 6, by: { info: 6 } },
  ],
});

test("levels are normalised, and what names none is counted as such: bars add up", () => {
  expect(data.buckets[0]?.byLevel).toEqual({ info: 7, error: 1, warn: 1, none: 1 });
  for (const bucket of data.buckets)
    expect(Object.values(bucket.byLevel).reduce((a, b) => a + b, 0)).toBe(bucket.count);
  expect(levelTotals(data)).toEqual([
    { level: "error", count: 1 },
    { level: "warn", count: 1 },
    { level: "info", count: 13 },
    { level: "none", count: 1 },
  ]);
  expect(["ERR", "Warning", "critical", "notice", 3, "", undefined, "constructor"].map(levelOf)).toEqual([
    "error",
    "warn",
    "fatal",
    "info",
    "none",
    "none",
    "none",
    "none",
  ]);
});

test("segments stand on one another and reach the bar's height", () => {
  const first = data.buckets[0];
  const segments = first ? stack(first, 20) : [];
  expect(segments.map((s) => s.level)).toEqual(["error", "warn", "info", "none"]);
  expect(segments[0]?.y0).toBe(0);
  segments.slice(1).forEach((segment, i) => expect(segment.y0).toBe(segments[i]?.y1));
  expect(segments.at(-1)?.y1).toBe(0.5);
});

test.each([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 3],
  [7, 8],
  [112, 120],
  [161, 200],
  [99_000, 100_000],
  [NaN, 1],
])("niceMax(%d) is %d", (value, expected) => expect(niceMax(value)).toBe(expected));

test("a brush is whole buckets, cut to the range that was searched", () => {
  const within = { startMs: T0 + 20_000, endMs: T0 + 150_000 };
  expect(brushRange(data, 2, 0, within)).toEqual(within);
  expect(brushRange(data, 1, 1, within)).toEqual({ startMs: T0 + 60_000, endMs: T0 + 120_000 });
  expect(brushRange(data, 0, 9, within)).toBeUndefined();
  expect([-0.1, 0, 0.34, 0.99, 1, 7].map((share) => bucketAt(share, 3))).toEqual([0, 0, 1, 2, 2, 2]);
});

test("time ticks are round and no more than asked for", () => {
  const hour = { startMs: T0 + 1_000, endMs: T0 + 3_601_000 };
  expect(timeTicks(hour, 6, "utc").map((tick) => tick.label)).toEqual([
    "10:10",
    "10:20",
    "10:30",
    "10:40",
    "10:50",
    "11:00",
  ]);
  expect(timeTicks({ startMs: T0, endMs: T0 + 3 * 86_400_000 }, 4, "utc").map((tick) => tick.label)).toEqual([
    "11-23",
    "11-24",
    "11-25",
  ]);
  const decades = { startMs: Date.parse("1999-06-10T00:00:00Z"), endMs: Date.parse("2026-11-22T00:00:00Z") };
  expect(timeTicks(decades, 8, "utc").map((tick) => tick.label)).toEqual([
    "2000",
    "2005",
    "2010",
    "2015",
    "2020",
    "2025",
  ]);
  const months = { startMs: Date.parse("2026-06-10T00:00:00Z"), endMs: Date.parse("2026-11-22T00:00:00Z") };
  expect(timeTicks(months, 6, "utc").map((tick) => tick.label)).toEqual([
    "2026-07",
    "2026-08",
    "2026-09",
    "2026-10",
    "2026-11",
  ]);
  for (let width = 1; width < 1e12; width *= 7)
    expect(timeTicks({ startMs: T0, endMs: T0 + width }, 8, "utc").length).toBeLessThanOrEqual(9);
});
