// Which row is the current one, and which document is open. Both are known by `_id`, so that a refresh, a new page
// or a live line never moves them to another document.

import { computed, effect, signal, untracked } from "@preact/signals";

import * as api from "../api/client";
import { isAbort, toApiError, type ApiError } from "../api/problem";
import { idOf, timestampOf, type Doc } from "../core/doc";
import { sourceQuery } from "../core/query";
import { fixedRange, nextNanosecond } from "../core/time";
import { hasMore, loading, loadingMore, loadMore, moreError, rows as searchRows, stale } from "./search";
import { tailRows, pause } from "./tail";
import type { Rows } from "./rows";
import { navigate, view } from "./view";

/** A document that the list should go to is looked for in this many rows. */
const SEEK_MAX_ROWS = 5_000;
/** How far the surroundings of a document reach, before and after it. */
const AROUND_MS = 60_000;

/** The rows on the page: of the search or of the live tail. */
export const activeRows = computed<Rows>(() => (view.value.live ? tailRows : searchRows));

/** The row that the keyboard is on. */
export const currentId = signal("");
/** Goes up when the list should bring the current row into sight. */
export const reveal = signal(0);

/** The open document, once it is there. */
export const openDoc = signal<Doc | undefined>(undefined);
export const openError = signal<ApiError | "gone" | undefined>(undefined);

/** Keeps the open document in step with the URL: from the list if it has it, else from the collector. */
export function startSelection(): void {
  startSeeking();
  let abort = new AbortController();
  effect(() => {
    const { id, at } = view.value;
    void activeRows.value.version.value;
    untracked(() => {
      if (id === "") {
        abort.abort();
        openDoc.value = undefined;
        openError.value = undefined;
        return;
      }
      const rows = activeRows.value;
      const listed = rows.at(rows.indexOf(id));
      if (listed) {
        openDoc.value = listed;
        openError.value = undefined;
        if (currentId.value === "") currentId.value = id;
        return;
      }
      if (openDoc.value && idOf(openDoc.value) === id) return;
      abort.abort();
      abort = new AbortController();
      openDoc.value = undefined;
      void fetchOpen(id, at, abort.signal);
    });
  });
}

/** The id of the document that the list is to go to once it has it. */
const sought = signal(view.peek().id);

/** Goes to a sought document; fetches further pages for it within a bound. */
function startSeeking(): void {
  effect(() => {
    const id = sought.value;
    void searchRows.version.value;
    const busy = loading.value || loadingMore.value || stale.value;
    untracked(() => {
      if (id === "" || busy) return;
      if (searchRows.indexOf(id) >= 0) {
        currentId.value = id;
        reveal.value += 1;
      } else if (searchRows.count < SEEK_MAX_ROWS && hasMore() && moreError.value === undefined) {
        void loadMore();
        return;
      }
      sought.value = "";
    });
  });
}

/** Shows the lines of the same source around a document, with it open. */
export function showAround(doc: Doc): void {
  const ms = Date.parse(timestampOf(doc));
  if (Number.isNaN(ms)) return;
  navigate({
    q: sourceQuery(doc),
    ...fixedRange(ms - AROUND_MS, ms + AROUND_MS),
    live: false,
    id: idOf(doc),
    at: timestampOf(doc),
  });
  sought.value = idOf(doc);
}

async function fetchOpen(id: string, at: string, signal: AbortSignal): Promise<void> {
  openError.value = undefined;
  if (at === "") {
    openError.value = "gone";
    return;
  }
  try {
    const doc = await api.documentAt(id, at, nextNanosecond(at), signal);
    if (signal.aborted || openDoc.peek() !== undefined) return;
    openDoc.value = doc;
    openError.value = doc ? undefined : "gone";
  } catch (thrown) {
    if (!isAbort(thrown) && !signal.aborted) openError.value = toApiError(thrown);
  }
}

/** Opens a document; the next and the previous one replace the history entry of the first. */
export function open(doc: Doc): void {
  const wasOpen = view.peek().id !== "";
  currentId.value = idOf(doc);
  if (view.peek().live) pause("asked");
  navigate({ id: idOf(doc), at: timestampOf(doc) }, { replace: wasOpen });
}

export function closeDoc(): void {
  if (view.peek().id !== "") navigate({ id: "", at: "" });
}

/** The index of the current row, or -1. */
export const currentIndex = (): number => activeRows.peek().indexOf(currentId.peek());

/** Moves the current row; with a document open, that follows. */
export function move(delta: number): void {
  moveTo(currentIndex() < 0 ? (delta > 0 ? 0 : activeRows.peek().count - 1) : currentIndex() + delta);
}

export function moveTo(index: number): void {
  const rows = activeRows.peek();
  const target = rows.at(Math.max(0, Math.min(rows.count - 1, index)));
  if (!target) return;
  if (index >= rows.count - 1 && !view.peek().live && hasMore()) void loadMore();
  currentId.value = idOf(target);
  reveal.value += 1;
  if (view.peek().live) pause("scrolled");
  if (view.peek().id !== "") open(target);
}
