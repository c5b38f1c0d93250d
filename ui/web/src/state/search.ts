// One search: rows, histogram and (for a query with a table at its end) the table, as separate requests that are
// cancelled together. Old results stay, dimmed, until new ones arrive.

import { batch, computed, effect, signal, untracked } from "@preact/signals";

import * as api from "../api/client";
import { ApiError, isAbort, toApiError } from "../api/problem";
import { idOf, timestampOf, type Doc } from "../core/doc";
import { markPattern } from "../core/marks";
import { markedWords, producesTable, splitPipes } from "../core/query";
import type { Histogram } from "../core/scale";
import { resolveRange, toRfc3339, type Range } from "../core/time";
import { Rows } from "./rows";
import { runCount, view } from "./view";

/** The first page paints fast; later pages are fetched well before they are needed. */
const FIRST_PAGE_ROWS = 200;
const NEXT_PAGE_ROWS = 500;
/** A browser holds this many rows with ease, or this much text; beyond it a narrower query is the better tool. */
const MAX_ROWS = 100_000;
const MAX_CHARS = 100_000_000;
const HISTOGRAM_BUCKETS = 100;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;

/** The code of the error that a range makes which ends before it begins. */
export const BAD_RANGE = "bad_range";

export type Emptiness =
  | { readonly kind: "no-data" }
  | { readonly kind: "no-match"; readonly newest: string | undefined }
  | { readonly kind: "unknown" };

export const rows = new Rows();
export const loading = signal(false);
export const loadingMore = signal(false);
/** What is shown belongs to an earlier search. */
export const stale = signal(false);
export const error = signal<ApiError | undefined>(undefined);
export const moreError = signal<ApiError | undefined>(undefined);
export const meta = signal<api.QueryMeta | undefined>(undefined);
/** From the start of the search to its last row, as the user waited for it. */
export const elapsedMs = signal<number | undefined>(undefined);
export const range = signal<Range | undefined>(undefined);
export const histogram = signal<Histogram | undefined>(undefined);
export const histogramError = signal<ApiError | undefined>(undefined);
export const histogramStale = signal(false);
export const table = signal<api.StatsTable | undefined>(undefined);
export const emptiness = signal<Emptiness | undefined>(undefined);
/** Documents that a refresh found while someone was reading further down; shown when asked for. */
export const waiting = signal<{ docs: readonly Doc[]; count: number; meta: api.QueryMeta } | undefined>(undefined);
/** When the next try is due (browser time), while the collector doesn't answer. */
export const retryAtMs = signal<number | undefined>(undefined);
/** Each search has a number: facets and others that hang on it know when to ask again. */
export const searchNumber = signal(0);

export const isTable = computed(() => producesTable(view.value.q));
export const marks = computed(() => markPattern(markedWords(view.value.q)));

let abort = new AbortController();
let cursor: string | null = null;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let retryDelayMs = RETRY_FIRST_MS;

/** The range and the filter of the running search, for requests that must agree with it. */
export function currentParams(): api.SearchParams {
  const r = range.peek();
  const q = splitPipes(view.peek().q).filter;
  return r ? { q, start: toRfc3339(r.startMs), end: toRfc3339(r.endMs) } : { q };
}

/** Searches whenever what is searched changes. */
export function startSearching(): void {
  const what = computed(() =>
    JSON.stringify([view.value.q, view.value.from, view.value.to, view.value.live, runCount.value]),
  );
  effect(() => {
    void what.value;
    untracked(() => {
      stopRequests();
      if (!view.value.live) run();
    });
  });
  startAutoRefresh();
}

function stopRequests(): void {
  abort.abort();
  abort = new AbortController();
  clearTimeout(retryTimer);
  retryAtMs.value = undefined;
  loading.value = false;
  loadingMore.value = false;
}

/** Cancels what is under way and keeps what has arrived. */
export function cancel(): void {
  stopRequests();
  stale.value = false;
  histogramStale.value = false;
}

function run(): void {
  const now = api.collectorNow();
  const resolved = resolveRange(view.value, now);
  if (!resolved) {
    error.value = new ApiError(-1, BAD_RANGE, "The time range ends before it begins: choose another one.");
    return;
  }
  const signal = abort.signal;
  batch(() => {
    range.value = resolved;
    searchNumber.value += 1;
    loading.value = true;
    stale.value = true;
    histogramStale.value = true;
    waiting.value = undefined;
    emptiness.value = undefined;
    moreError.value = undefined;
  });
  void (isTable.value ? runTable(signal) : runRows(signal));
  void runHistogram(signal);
}

async function runRows(signal: AbortSignal): Promise<void> {
  const started = performance.now();
  let first = true;
  const show = (docs: readonly Doc[]): void => {
    // A chunk that was on its way when a newer search began must not be taken for its rows.
    if (signal.aborted) return;
    batch(() => {
      if (first) {
        rows.replace(docs);
        cursor = null;
      } else rows.append(docs);
      first = false;
      stale.value = false;
      error.value = undefined;
      table.value = undefined;
    });
  };
  try {
    const params = { ...currentParams(), q: view.peek().q };
    const done = await api.query({ ...params, limit: FIRST_PAGE_ROWS }, signal, show);
    if (signal.aborted) return;
    if (first) show([]);
    finish(started, done);
    if (rows.count === 0) void explainEmptiness(signal);
  } catch (thrown) {
    fail(thrown, signal);
  }
}

async function runTable(signal: AbortSignal): Promise<void> {
  const started = performance.now();
  try {
    const result = await api.stats({ ...currentParams(), q: view.peek().q }, signal);
    if (signal.aborted) return;
    batch(() => {
      table.value = result;
      rows.replace([]);
      stale.value = false;
      finish(started, result.meta);
    });
    if (result.rows.length === 0) void explainEmptiness(signal);
  } catch (thrown) {
    fail(thrown, signal);
  }
}

function finish(started: number, done: api.QueryMeta): void {
  retryDelayMs = RETRY_FIRST_MS;
  cursor = done.cursor;
  batch(() => {
    meta.value = done;
    elapsedMs.value = performance.now() - started;
    loading.value = false;
    error.value = undefined;
  });
}

function fail(thrown: unknown, signal: AbortSignal): void {
  if (signal.aborted || isAbort(thrown)) return;
  const failure = toApiError(thrown);
  batch(() => {
    error.value = failure;
    loading.value = false;
  });
  if (failure.transient) retryLater(failure.retryAfterS);
}

function retryLater(afterS: number | undefined): void {
  const delayMs = Math.min(RETRY_MAX_MS, Math.max(retryDelayMs, (afterS ?? 0) * 1_000));
  retryDelayMs = Math.min(RETRY_MAX_MS, retryDelayMs * 2);
  retryAtMs.value = Date.now() + delayMs;
  clearTimeout(retryTimer);
  retryTimer = setTimeout(() => {
    stopRequests();
    run();
  }, delayMs);
}

async function runHistogram(signal: AbortSignal): Promise<void> {
  try {
    const result = await api.histogram({ ...currentParams(), buckets: HISTOGRAM_BUCKETS }, signal);
    if (signal.aborted) return;
    batch(() => {
      histogram.value = result;
      histogramError.value = undefined;
      histogramStale.value = false;
    });
  } catch (thrown) {
    if (signal.aborted || isAbort(thrown)) return;
    histogramError.value = toApiError(thrown); // What is drawn stays, dimmed: it is of another search.
  }
}

/** Why nothing was found: no data at all, or none in this range; and then, where the newest match is. */
async function explainEmptiness(signal: AbortSignal): Promise<void> {
  const newestOf = async (q: string): Promise<string | undefined> => {
    let newest: string | undefined;
    await api.query({ q, limit: 1 }, signal, (docs) => {
      const doc = docs[0];
      if (doc) newest = timestampOf(doc);
    });
    return newest;
  };
  try {
    const { filter } = splitPipes(view.peek().q);
    const newest = await newestOf(filter);
    const anything = newest !== undefined || (filter !== "" && (await newestOf("")) !== undefined);
    if (!signal.aborted) emptiness.value = anything ? { kind: "no-match", newest } : { kind: "no-data" };
  } catch (thrown) {
    if (!signal.aborted && !isAbort(thrown)) emptiness.value = { kind: "unknown" };
  }
}

/** Whether the list holds as much as it may. */
export const isFull = (): boolean => rows.count >= MAX_ROWS || rows.chars >= MAX_CHARS;

export const hasMore = (): boolean => cursor !== null && !isFull();

/** Fetches the next page, if there is one and none is on its way. */
export async function loadMore(): Promise<void> {
  if (loading.peek() || loadingMore.peek() || stale.peek() || cursor === null || isFull()) return;
  const signal = abort.signal;
  loadingMore.value = true;
  moreError.value = undefined;
  try {
    const params = { ...currentParams(), q: view.peek().q, limit: NEXT_PAGE_ROWS, cursor };
    const done = await api.query(params, signal, (docs) => {
      if (!signal.aborted) rows.append(docs);
    });
    if (signal.aborted) return;
    cursor = done.cursor;
    if (done.partial) meta.value = done;
  } catch (thrown) {
    if (signal.aborted || isAbort(thrown)) return;
    moreError.value = toApiError(thrown);
  } finally {
    if (!signal.aborted) loadingMore.value = false;
  }
}

/** Set by the list: whether someone is reading further down. */
export const reading = signal(false);

function startAutoRefresh(): void {
  effect(() => {
    const { refreshS, live } = view.value;
    if (refreshS === 0 || live) return;
    const timer = setInterval(() => {
      if (document.hidden || loading.peek() || retryAtMs.peek() !== undefined) return;
      if ((reading.peek() || view.peek().id !== "") && !isTable.peek()) void refreshBehind();
      else runCount.value += 1;
    }, refreshS * 1_000);
    return () => clearInterval(timer);
  });
}

/** A refresh that doesn't touch the list: the newest page is kept aside and announced. */
async function refreshBehind(): Promise<void> {
  const now = api.collectorNow();
  const resolved = resolveRange(view.peek(), now);
  if (!resolved) return;
  const signal = abort.signal;
  const params = {
    q: view.peek().q,
    start: toRfc3339(resolved.startMs),
    end: toRfc3339(resolved.endMs),
    limit: FIRST_PAGE_ROWS,
  };
  const docs: Doc[] = [];
  try {
    const done = await api.query(params, signal, (batchOfDocs) => void docs.push(...batchOfDocs));
    if (signal.aborted) return;
    const count = docs.filter((doc) => rows.indexOf(idOf(doc)) < 0).length;
    waiting.value = count > 0 ? { docs, count, meta: done } : undefined;
    range.value = resolved;
    await runHistogram(signal);
  } catch (thrown) {
    if (!signal.aborted && !isAbort(thrown)) histogramError.value = toApiError(thrown);
  }
}

/** Shows what a refresh had put aside. */
export function showWaiting(): void {
  const next = waiting.peek();
  if (!next) return;
  batch(() => {
    rows.replace(next.docs);
    cursor = next.meta.cursor;
    meta.value = next.meta;
    waiting.value = undefined;
  });
}
