import { expect, test } from "vitest";

import { DEFAULT_VIEW, formatView, parseView, type View } from "./url";

test("the standard view needs no query string", () => {
  expect(formatView(DEFAULT_VIEW)).toBe("");
  expect(parseView("")).toEqual(DEFAULT_VIEW);
});

test("a view survives the way through a link, whatever is in it", () => {
  const views: View[] = [
    { ...DEFAULT_VIEW, q: 'level:error AND "a b" status>=500 | top 5 url.path' },
    { ...DEFAULT_VIEW, q: "50% + a&b=c#d ?é日😀\n\t\\" },
    { ...DEFAULT_VIEW, from: "2026-11-22T10:00:00Z", to: "2026-11-22T11:00:00.500Z", tz: "utc" },
    { ...DEFAULT_VIEW, cols: ["service.name", "message"], live: true, refreshS: 10 },
    { ...DEFAULT_VIEW, id: "01H/x+y=", at: "2026-11-22T10:00:00.123456789Z" },
  ];
  for (const view of views) expect(parseView(formatView(view))).toEqual(view);
});

test("links stay readable", () => {
  expect(formatView({ ...DEFAULT_VIEW, q: "level:error timeout", from: "now-15m", cols: ["a", "b"] })).toBe(
    "?q=level:error+timeout&from=now-15m&cols=a,b",
  );
});

test("a mangled link falls back piece by piece", () => {
  const view = parseView("?q=x&from=banana&to=&refresh=7&tz=mars&live=yes&at=2026&cols=a,,a,b");
  expect(view).toEqual({ ...DEFAULT_VIEW, q: "x", refreshS: 10, cols: ["a", "b"] });
});
