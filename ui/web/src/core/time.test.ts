import { describe, expect, test } from "vitest";

import {
  describeRange,
  formatAgo,
  formatExact,
  formatInstant,
  formatSpan,
  nextNanosecond,
  parseTyped,
  resolveInstant,
  resolveRange,
  shiftRange,
  formatRowTime,
  rowDateFor,
  zoomOut,
} from "./time";

const NOW = Date.parse("2026-11-22T15:30:00Z");

describe("resolveInstant", () => {
  test.each([
    ["now", NOW],
    ["now-15m", NOW - 15 * 60_000],
    ["now+1h", NOW + 3_600_000],
    ["now-2w", NOW - 14 * 86_400_000],
    ["NOW-500ms", NOW - 500],
    ["2026-11-22T10:00:00Z", Date.parse("2026-11-22T10:00:00Z")],
    ["2026-11-22T10:00:00.123456789Z", Date.parse("2026-11-22T10:00:00.123Z")],
    ["2026-11-22T12:00:00+02:00", Date.parse("2026-11-22T10:00:00Z")],
    ["2026-11-22 10:00Z", Date.parse("2026-11-22T10:00:00Z")],
    ["yesterday", undefined],
    ["now-15", undefined],
    ["2026-13-40T10:00:00Z", undefined],
    ["", undefined],
  ])("%s", (expr, expected) => expect(resolveInstant(expr, NOW)).toBe(expected));

  test("a range the wrong way round is none", () => {
    expect(resolveRange({ from: "now", to: "now-1h" }, NOW)).toBeUndefined();
    expect(resolveRange({ from: "now-1h", to: "now" }, NOW)).toEqual({ startMs: NOW - 3_600_000, endMs: NOW });
  });
});

describe("parseTyped", () => {
  test.each([
    ["now - 2H", "now-2h"],
    ["2h", "now-2h"],
    ["-30m", "now-30m"],
    ["2026-11-22 14:00", "2026-11-22T14:00:00Z"],
    ["2026-11-22T14:00:05.5", "2026-11-22T14:00:05.500Z"],
    ["2026-11-22", "2026-11-22T00:00:00Z"],
    ["14:05", "2026-11-22T14:05:00Z"],
    ["1763822400", "2025-11-22T14:40:00Z"],
    ["1763822400123", "2025-11-22T14:40:00.123Z"],
    ["1763822400123456789", "2025-11-22T14:40:00.123Z"],
    ["2026-11-22T14:00:00+01:00", "2026-11-22T13:00:00Z"],
    ["2026-02-30", undefined],
    ["25:00", undefined],
    ["14:61", undefined],
    ["soon", undefined],
    ["", undefined],
  ])("%s", (typed, expected) => expect(parseTyped(typed, NOW, "utc")).toBe(expected));

  test("a civil time is of the zone", () => {
    const local = parseTyped("2026-11-22 14:00", NOW, "local");
    expect(local).toBe(new Date(2026, 10, 22, 14).toISOString().replace(".000Z", "Z"));
  });
});

test("moves along the axis", () => {
  const range = { startMs: NOW - 3_600_000, endMs: NOW };
  expect(shiftRange(range, -1, NOW)).toEqual({ from: "2026-11-22T14:00:00Z", to: "2026-11-22T15:00:00Z" });
  expect(shiftRange(range, 1, NOW)).toEqual({ from: "2026-11-22T14:30:00Z", to: "2026-11-22T15:30:00Z" });
  expect(zoomOut(range, NOW)).toEqual({ from: "2026-11-22T13:30:00Z", to: "2026-11-22T15:30:00Z" });
  const past = { startMs: NOW - 7_200_000, endMs: NOW - 3_600_000 };
  expect(zoomOut(past, NOW)).toEqual({ from: "2026-11-22T13:00:00Z", to: "2026-11-22T15:00:00Z" });
});

test("instants and spans are shown as far as they are needed", () => {
  expect(formatInstant(NOW + 5, "utc")).toBe("2026-11-22 15:30:00.005");
  expect(formatInstant(NOW, "utc", "minute")).toBe("2026-11-22 15:30");
  expect(formatExact("2026-11-22T15:30:00.123456789Z", "utc")).toBe("2026-11-22 15:30:00.123456789");
  expect(formatExact("2026-11-22T15:30:00Z", "utc")).toBe("2026-11-22 15:30:00.000");
  expect([850, 12_000, 200_000, 7_200_000, 90_000_000].map(formatSpan)).toEqual([
    "850 ms",
    "12 s",
    "3 m 20 s",
    "2 h",
    "1 d 1 h",
  ]);
  expect([1_000, 61_000, 7_200_000, 3 * 86_400_000].map((ago) => formatAgo(NOW - ago, NOW))).toEqual([
    "just now",
    "1 minute ago",
    "2 hours ago",
    "3 days ago",
  ]);
  expect(describeRange({ from: "now-1h", to: "now" }, "utc")).toBe("Last hour");
  expect(describeRange({ from: "now-7m", to: "now" }, "utc")).toBe("Last 7 m");
  expect(describeRange({ from: "2026-11-22T10:00:00Z", to: "2026-11-22T11:00:00Z" }, "utc")).toBe(
    "2026-11-22 10:00:00 to 11:00:00",
  );
});

test("a column of times has as much of the date as its rows need", () => {
  const range = (from: string, to: string) => ({ startMs: Date.parse(from), endMs: Date.parse(to) });
  const dates = [
    rowDateFor(range("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"), "utc"),
    rowDateFor(range("2026-11-22T00:00:00Z", "2026-11-23T00:00:01Z"), "utc"),
    rowDateFor(range("2025-11-22T00:00:00Z", "2026-11-22T00:00:00Z"), "utc"),
    rowDateFor(undefined, "utc"),
  ];
  expect(dates).toEqual(["none", "day", "year", "day"]);
  const shown = (["none", "day", "year"] as const).map((date) => formatRowTime("2026-11-22T15:30:00.5Z", "utc", date));
  expect(shown).toEqual(["15:30:00.500", "11-22 15:30:00.500", "2026-11-22 15:30:00.500"]);
});

test.each([
  ["2026-11-22T15:30:00.123456789Z", "2026-11-22T15:30:00.123456790Z"],
  ["2026-11-22T15:30:00Z", "2026-11-22T15:30:00.000000001Z"],
  ["2026-11-22T15:30:59.999999999Z", "2026-11-22T15:31:00.000000000Z"],
  ["2026-11-22T15:30:00.5+01:00", "2026-11-22T15:30:00.500000001+01:00"],
])("the nanosecond after %s", (at, expected) => expect(nextNanosecond(at)).toBe(expected));
