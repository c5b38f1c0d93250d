// The heights of a list's rows, as a Fenwick tree: rows are measured once they are on screen, and any row's offset
// (or the row at an offset) comes in O(log n), so that 100,000 rows of unequal height scroll smoothly.

export class RowHeights {
  private heights: number[] = [];
  private tree: number[] = [0];

  /** `estimatePx` is the height of a row that has not been measured yet. */
  constructor(private estimatePx: number) {}

  get count(): number {
    return this.heights.length;
  }

  /** The height of all rows together. */
  get totalPx(): number {
    return this.offsetOf(this.heights.length);
  }

  /** Forgets all measurements and starts over with `count` rows. */
  reset(count: number, estimatePx = this.estimatePx): void {
    this.estimatePx = estimatePx;
    this.heights = [];
    this.tree = [0];
    this.resize(count);
  }

  /** Adds unmeasured rows at the end, or drops rows from it. */
  resize(count: number): void {
    if (count < this.heights.length) {
      this.heights.length = count;
      this.tree.length = count + 1;
      return;
    }
    for (let i = this.heights.length; i < count; i += 1) {
      this.heights.push(this.estimatePx);
      const at = i + 1;
      // The node of position `at` covers the rows (at - lowbit, at].
      this.tree.push(this.prefix(at - 1) - this.prefix(at - (at & -at)) + this.estimatePx);
    }
  }

  /** Sets a measured height; tells by how much the rows below it move. */
  set(index: number, heightPx: number): number {
    const old = this.heights[index];
    if (old === undefined || old === heightPx) return 0;
    this.heights[index] = heightPx;
    const delta = heightPx - old;
    for (let at = index + 1; at < this.tree.length; at += at & -at) this.tree[at] = (this.tree[at] ?? 0) + delta;
    return delta;
  }

  /** Drops `count` rows from the front (the oldest of a live tail); tells their height. */
  dropFront(count: number): number {
    const dropped = this.offsetOf(count);
    const kept = this.heights.slice(count);
    this.heights = [];
    this.tree = [0];
    for (const height of kept) {
      this.resize(this.heights.length + 1);
      this.set(this.heights.length - 1, height);
    }
    return dropped;
  }

  heightOf(index: number): number {
    return this.heights[index] ?? this.estimatePx;
  }

  /** The top of a row. */
  offsetOf(index: number): number {
    return this.prefix(Math.max(0, Math.min(index, this.heights.length)));
  }

  /** The row that covers this offset, clamped to the list. */
  indexAt(offsetPx: number): number {
    let position = 0;
    let rest = offsetPx;
    let bit = 1;
    while (bit * 2 < this.tree.length) bit *= 2;
    for (; bit > 0; bit = Math.floor(bit / 2)) {
      const next = position + bit;
      const size = this.tree[next];
      if (size !== undefined && next < this.tree.length && size <= rest) {
        position = next;
        rest -= size;
      }
    }
    return Math.max(0, Math.min(position, this.heights.length - 1));
  }

  private prefix(count: number): number {
    let sum = 0;
    for (let at = count; at > 0; at -= at & -at) sum += this.tree[at] ?? 0;
    return sum;
  }
}

export interface Visible {
  /** First row to render. */
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
  /** Where the first rendered row stands. */
  readonly topPx: number;
}

/** The rows to render for a viewport, with `overscan` rows more on each side. */
export function visibleRows(heights: RowHeights, scrollTopPx: number, viewportPx: number, overscan: number): Visible {
  if (heights.count === 0) return { first: 0, end: 0, topPx: 0 };
  const first = Math.max(0, heights.indexAt(scrollTopPx) - overscan);
  const end = Math.min(heights.count, heights.indexAt(scrollTopPx + viewportPx) + 1 + overscan);
  return { first, end, topPx: heights.offsetOf(first) };
}
