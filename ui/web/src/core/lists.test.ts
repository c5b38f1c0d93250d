import { describe, expect, test } from "vitest";

import { RowHeights, visibleRows } from "./heights";
import { NdjsonDecoder } from "./ndjson";
import { Waiting } from "./waiting";

describe("RowHeights", () => {
  test("equal rows", () => {
    const heights = new RowHeights(20);
    heights.resize(1_000);
    expect(heights.totalPx).toBe(20_000);
    expect([0, 19, 20, 399, 19_999, 99_999, -5].map((y) => heights.indexAt(y))).toEqual([0, 0, 1, 19, 999, 999, 0]);
  });

  test("agrees with plain sums while rows grow, are measured and are dropped", () => {
    const heights = new RowHeights(10);
    let plain: number[] = [];
    let seed = 1;
    const next = (max: number): number => (seed = (seed * 48_271) % 2_147_483_647) % max;
    for (let step = 0; step < 600; step += 1) {
      const what = next(10);
      if (what < 4) {
        const more = next(7);
        plain.push(...Array<number>(more).fill(10));
        heights.resize(plain.length);
      } else if (what < 8 && plain.length > 0) {
        const at = next(plain.length);
        const px = 5 + next(40);
        expect(heights.set(at, px)).toBe(px - (plain[at] ?? 0));
        plain[at] = px;
      } else if (what === 8) {
        const gone = Math.min(plain.length, next(5));
        expect(heights.dropFront(gone)).toBe(plain.slice(0, gone).reduce((a, b) => a + b, 0));
        plain = plain.slice(gone);
      } else {
        plain.length = Math.max(0, plain.length - next(3));
        heights.resize(plain.length);
      }
      const offsets = plain.reduce<number[]>((sums, px) => [...sums, (sums.at(-1) ?? 0) + px], [0]);
      expect(heights.totalPx).toBe(offsets.at(-1));
      const row = plain.length === 0 ? 0 : next(plain.length);
      expect(heights.offsetOf(row)).toBe(offsets[row]);
      if (plain.length > 0) expect(heights.indexAt(offsets[row] ?? 0)).toBe(row);
    }
  });

  test("only what is in sight is rendered", () => {
    const heights = new RowHeights(20);
    heights.resize(100_000);
    expect(visibleRows(heights, 1_000_000, 400, 5)).toEqual({ first: 49_995, end: 50_026, topPx: 999_900 });
    expect(visibleRows(heights, 0, 400, 5)).toEqual({ first: 0, end: 26, topPx: 0 });
    heights.reset(0);
    expect(visibleRows(heights, 0, 400, 5)).toEqual({ first: 0, end: 0, topPx: 0 });
  });
});

describe("NdjsonDecoder", () => {
  const text = '{"a":"é日😀"}\n\n{"b":2}\r\n{"c":3}';
  const bytes = new TextEncoder().encode(text);

  test("gives the same values wherever the chunks are cut", () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const decoder = new NdjsonDecoder();
      const values = [...decoder.push(bytes.slice(0, cut)), ...decoder.push(bytes.slice(cut)), ...decoder.finish()];
      expect(values).toEqual([{ a: "é日😀" }, { b: 2 }, { c: 3 }]);
    }
  });

  test("refuses what is no JSON", () => {
    expect(() => new NdjsonDecoder().push(new TextEncoder().encode("<html>\n"))).toThrow(SyntaxError);
  });
});

describe("Waiting", () => {
  const doc = (message: string) => ({ message });

  test("lets the oldest go by number and by size, and counts them", () => {
    const waiting = new Waiting(3, 100);
    expect([1, 2, 3, 4].map((i) => waiting.push(doc(`m${i}`)))).toEqual([0, 0, 0, 1]);
    expect(waiting.push(doc("x".repeat(84)))).toBe(2);
    expect(waiting.take()).toEqual([doc("m4"), doc("x".repeat(84))]);
    expect(waiting.count).toBe(0);
  });

  test("keeps the newest even if it alone is too large", () => {
    const waiting = new Waiting(3, 10);
    expect(waiting.push(doc("y".repeat(50)))).toBe(0);
    expect(waiting.push(doc("z".repeat(50)))).toBe(1);
    expect(waiting.take()).toEqual([doc("z".repeat(50))]);
  });
});
