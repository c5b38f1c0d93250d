// The list of rows: one scroll container, of which only the rows in sight are in the document. Rows of unequal
// height are measured once; what the reader looks at stays where it is.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { idOf, MESSAGE_COLUMN, SOURCE_COLUMN } from "../core/doc";
import { RowHeights, visibleRows, type Visible } from "../core/heights";
import { rowDateFor, type RowDate } from "../core/time";
import { wrap } from "../state/prefs";
import type { Rows } from "../state/rows";
import { hasMore, loadMore, marks, moreError, range, reading } from "../state/search";
import { activeRows, currentId, currentIndex, open, reveal } from "../state/selection";
import { pause, paused, resume } from "../state/tail";
import { columns, moveColumn, toggleColumn, view } from "../state/view";
import { IconButton } from "./icon-button";
import { Row, rowId } from "./row";

const ROW_PX = 22;
const OVERSCAN_ROWS = 12;
/** The next page is asked for while this many rows are still to come. */
const AHEAD_ROWS = 150;
/** Nearer to the bottom than this counts as following. */
const BOTTOM_PX = 50;

/** The list's element id, for the keys that go to it. */
export const LIST_ID = "rows";

export function List({ foot }: { foot: ComponentChildren }) {
  const rows = activeRows.value;
  void rows.version.value;
  const live = view.value.live;
  const box = useRef<HTMLDivElement>(null);
  const heights = useRef(new RowHeights(ROW_PX)).current;
  const { place, onScroll } = useScrolling(box, live);
  useRowHeights(box, heights, rows);

  const visible = visibleRows(heights, place.top, place.viewport, OVERSCAN_ROWS);
  useMeasuring(box, heights, visible.first);
  useFollowing(box, rows, live);
  useRevealing(box, heights);
  useEffect(() => {
    const near = visible.end > rows.count - AHEAD_ROWS;
    if (!live && near && hasMore() && moreError.peek() === undefined) void loadMore();
  });
  const date = rowDateFor(live ? undefined : range.value, view.value.tz);
  const current = currentIndex();
  return (
    <div
      class={`list${wrap.value ? " wrapped" : ""} date-${date}`}
      id={LIST_ID}
      ref={box}
      tabIndex={0}
      role="grid"
      aria-label={live ? "Live lines" : "Results"}
      aria-rowcount={rows.count + 1}
      aria-activedescendant={current >= visible.first && current < visible.end ? rowId(current) : undefined}
      style={{ "--columns": template(columns.value) }}
      onScroll={onScroll}
      onClick={onRowClick}
    >
      <Header names={columns.value} />
      <div class="canvas" role="presentation" style={{ height: `${heights.totalPx}px` }}>
        <div class="window" role="rowgroup" style={{ transform: `translateY(${visible.topPx}px)` }}>
          {rowsOf(rows, visible, date)}
        </div>
      </div>
      {foot}
    </div>
  );
}

/** The rows in sight. A row's key is its document: what stays in sight is moved, not drawn again. */
function rowsOf(rows: Rows, visible: Visible, date: RowDate) {
  const shown = [];
  for (let i = visible.first; i < visible.end; i += 1) {
    const doc = rows.at(i);
    if (!doc) continue;
    const id = idOf(doc);
    shown.push(
      <Row
        key={id === "" ? i : id}
        doc={doc}
        index={i}
        columns={columns.value}
        zone={view.value.tz}
        date={date}
        pattern={marks.value}
        current={id !== "" && id === currentId.value}
        open={id !== "" && id === view.value.id}
      />,
    );
  }
  return shown;
}

/** Where the list is scrolled to. In a live list, scrolling up pauses it and scrolling to the end lets it run again. */
function useScrolling(box: { current: HTMLDivElement | null }, live: boolean) {
  const [place, setPlace] = useState({ top: 0, viewport: 800 });
  const lastTop = useRef(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setPlace({ top: element.scrollTop, viewport: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const onScroll = (): void => {
    const element = box.current;
    if (!element) return;
    const { scrollTop, clientHeight, scrollHeight } = element;
    const up = scrollTop < lastTop.current;
    const atEnd = scrollHeight - scrollTop - clientHeight < BOTTOM_PX;
    if (live && up && !atEnd) pause("scrolled");
    else if (live && !up && atEnd && paused.peek() === "scrolled") resume();
    lastTop.current = scrollTop;
    reading.value = scrollTop > ROW_PX;
    setPlace({ top: scrollTop, viewport: clientHeight });
  };
  return { place, onScroll };
}

interface KnownHeights {
  rows: Rows | undefined;
  generation: number;
  dropped: number;
  /** What row heights depend on besides the contents. */
  shape: string;
  /** The row to keep at the top when the heights are measured anew. */
  anchor: number | undefined;
}

/** Starts over with new contents, grows with new pages, shrinks with lines that fall off the front of a tail. */
function useRowHeights(box: { current: HTMLDivElement | null }, heights: RowHeights, rows: Rows): void {
  const known = useRef<KnownHeights>({ rows: undefined, generation: -1, dropped: 0, shape: "", anchor: undefined });
  const was = known.current;
  const generation = rows.generation.value;
  const shape = wrap.value ? `${columns.value.join()}|${view.value.id === ""}` : "";
  let anchor: number | undefined;
  if (was.rows !== rows || was.generation !== generation) heights.reset(rows.count, ROW_PX);
  else {
    if (rows.dropped > was.dropped) heights.dropFront(Math.min(heights.count, rows.dropped - was.dropped));
    if (was.shape !== shape) {
      anchor = heights.indexAt(box.current?.scrollTop ?? 0);
      heights.reset(rows.count, ROW_PX);
    } else heights.resize(rows.count);
  }
  known.current = { rows, generation, dropped: rows.dropped, shape, anchor };
  useLayoutEffect(() => {
    if (anchor !== undefined && box.current) box.current.scrollTop = heights.offsetOf(anchor);
  }, [shape]);
}

/** Measures the rows on screen; when rows above the first visible one turn out different, the scroll follows. */
function useMeasuring(box: { current: HTMLDivElement | null }, heights: RowHeights, first: number): void {
  const [, again] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !wrap.value) return;
    const top = element.scrollTop;
    let above = 0;
    let changed = false;
    element.querySelectorAll<HTMLElement>("[data-index]").forEach((row) => {
      const index = Number(row.dataset["index"]);
      const before = heights.offsetOf(index + 1);
      const delta = heights.set(index, row.offsetHeight);
      if (delta !== 0) changed = true;
      if (before <= top) above += delta;
    });
    if (above !== 0) element.scrollTop = top + above;
    if (changed) again((n) => n + 1);
  }, [first, heights.count, wrap.value, columns.value]);
}

/** A live list stays at its newest line, unless it is paused; a new search starts at the top. */
function useFollowing(box: { current: HTMLDivElement | null }, rows: Rows, live: boolean): void {
  useLayoutEffect(() => {
    if (live && paused.value === "no" && box.current) box.current.scrollTop = box.current.scrollHeight;
  });
  useLayoutEffect(() => {
    if (live || !box.current) return;
    if (view.peek().id !== "" && currentIndex() >= 0) reveal.value += 1;
    else box.current.scrollTop = 0;
  }, [rows.generation.value, live]);
}

/** Brings the current row into sight when the keyboard moved it. */
function useRevealing(box: { current: HTMLDivElement | null }, heights: RowHeights): void {
  useLayoutEffect(() => {
    const element = box.current;
    const index = currentIndex();
    if (!element || index < 0 || reveal.value === 0) return;
    const head = ROW_PX + 4;
    const top = heights.offsetOf(index);
    const bottom = heights.offsetOf(index + 1);
    if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom + head > element.scrollTop + element.clientHeight)
      element.scrollTop = bottom + head - element.clientHeight;
  }, [reveal.value]);
}

function onRowClick(event: MouseEvent): void {
  if (!(event.target instanceof Element)) return;
  const row = event.target.closest<HTMLElement>("[data-index]");
  // Who marks text with the mouse wants to copy it, not to open the row.
  if (!row || (getSelection()?.toString() ?? "") !== "") return;
  const doc = activeRows.peek().at(Number(row.dataset["index"]));
  if (doc) open(doc);
}

/** Column widths: the last one takes what is left. */
function template(names: readonly string[]): string {
  const widths = names.map((name, i) => {
    if (name === MESSAGE_COLUMN || i === names.length - 1) return "minmax(30ch, 1fr)";
    return name === SOURCE_COLUMN ? "24ch" : "20ch";
  });
  return widths.join(" ");
}

const LABELS: Readonly<Record<string, string>> = { [SOURCE_COLUMN]: "source" };

function Header({ names }: { names: readonly string[] }) {
  return (
    <div class="row list-head" role="row" aria-rowindex={1}>
      <span class="cell" role="columnheader" aria-sort={view.value.live ? "ascending" : "descending"}>
        time
      </span>
      <span class="cell" role="columnheader">
        level
      </span>
      {names.map((name, i) => (
        <span key={name} class="cell head-cell" role="columnheader">
          <span class="ellipsis" title={name}>
            {LABELS[name] ?? name}
          </span>
          <span class="head-actions">
            {i > 0 && (
              <IconButton
                icon="left"
                title="Move left"
                label={`Move column ${name} left`}
                onClick={() => moveColumn(name, -1)}
              />
            )}
            {i < names.length - 1 && (
              <IconButton
                icon="right"
                title="Move right"
                label={`Move column ${name} right`}
                onClick={() => moveColumn(name, 1)}
              />
            )}
            {names.length > 1 && (
              <IconButton
                icon="close"
                title="Remove the column"
                label={`Remove column ${name}`}
                onClick={() => toggleColumn(name)}
              />
            )}
          </span>
        </span>
      ))}
    </div>
  );
}
