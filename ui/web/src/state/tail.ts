// The live tail: newest at the bottom, following. Paused, new lines wait in a bounded buffer and are counted.

import { batch, effect, signal, untracked } from "@preact/signals";

import * as api from "../api/client";
import { isAbort, toApiError, type ApiError } from "../api/problem";
import { openTail } from "../api/tail";
import { idOf, timestampOf, type Doc } from "../core/doc";
import { splitPipes } from "../core/query";
import { Waiting } from "../core/waiting";
import { Rows } from "./rows";
import { view, runCount } from "./view";

/** Rows kept on screen; older ones fall off the top and are counted. */
const TAIL_MAX_ROWS = 5_000;
/** Characters of them, and of those that wait: lines may be long. */
const TAIL_MAX_CHARS = 20_000_000;
/** Lines kept while paused; beyond it the oldest waiting ones are dropped and counted. */
const TAIL_MAX_BUFFER = 5_000;
/** Lines from before the tail began, so that it doesn't start with an empty page. */
const TAIL_SEED_ROWS = 100;
/** Lines fetched after a lost connection; more than these are said to be missing. */
const TAIL_CATCH_UP_ROWS = 1_000;
/** New lines reach the page in batches of this interval: a burst must not mean a render per line. */
const FLUSH_MS = 120;
/** Between attempts when the collector (or a proxy) refuses the stream but not the query, as it does when it is full. */
const RECONNECT_MS = 5_000;

export type Connection = "connecting" | "open" | "lost" | "refused";
/** Who paused: a person, or scrolling up (which scrolling down again takes back). */
export type Pause = "no" | "asked" | "scrolled";

export const tailRows = new Rows();
export const connection = signal<Connection>("connecting");
export const paused = signal<Pause>("no");
export const buffered = signal(0);
/** Left out by the collector because this page was too slow. */
export const skipped = signal(0);
/** Dropped here: from the buffer while paused. */
export const dropped = signal(0);
/** Times that lines are missing because the connection was lost for too long. */
export const gaps = signal(0);
export const tailError = signal<ApiError | undefined>(undefined);

const incoming = new Waiting(TAIL_MAX_BUFFER, TAIL_MAX_CHARS);
let localIds = 0;

export function startTailing(): void {
  effect(() => {
    const { live, q } = view.value;
    void runCount.value;
    if (!live) return;
    return untracked(() => follow(splitPipes(q).filter));
  });
}

function follow(q: string): () => void {
  incoming.take();
  batch(() => {
    tailRows.replace([]);
    connection.value = "connecting";
    paused.value = "no";
    buffered.value = 0;
    skipped.value = 0;
    dropped.value = 0;
    gaps.value = 0;
    tailError.value = undefined;
  });
  const abort = new AbortController();
  let seeded = false;
  let close = (): void => undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  const connect = (): void => {
    close = openTail(q, {
      onOpen: () => {
        if (connection.peek() === "lost") void catchUp(q, abort.signal);
        batch(() => {
          connection.value = "open";
          tailError.value = undefined;
        });
      },
      onDocument: take,
      onSkipped: (count) => void (skipped.value += count),
      onLost: (final) => {
        connection.value = "lost";
        if (!final) return;
        void isRefused(q, abort.signal).then((refused) => {
          if (abort.signal.aborted) return;
          if (refused) connection.value = "refused";
          else again = setTimeout(connect, RECONNECT_MS);
        });
      },
    });
  };
  connect();
  void seed(q, abort.signal).finally(() => (seeded = true));
  const timer = setInterval(() => {
    if (seeded) flush();
  }, FLUSH_MS);
  return () => {
    abort.abort();
    clearInterval(timer);
    clearTimeout(again);
    close();
  };
}

/** The last lines before now, oldest first. The tail is already open: what comes twice is told apart by its id. */
async function seed(q: string, signal: AbortSignal): Promise<void> {
  const docs: Doc[] = [];
  try {
    await api.query({ q, limit: TAIL_SEED_ROWS }, signal, (more) => void docs.push(...more));
    if (!signal.aborted) tailRows.append(docs.reverse());
  } catch (thrown) {
    if (!isAbort(thrown) && !signal.aborted) tailError.value = toApiError(thrown);
  }
}

/** After a lost connection: what came in between, up to a bound. What the tail brings as well is told apart by its id. */
async function catchUp(q: string, signal: AbortSignal): Promise<void> {
  const last = tailRows.at(tailRows.count - 1);
  if (!last) return;
  const docs: Doc[] = [];
  try {
    const done = await api.query(
      { q, start: timestampOf(last), limit: TAIL_CATCH_UP_ROWS },
      signal,
      (more) => void docs.push(...more),
    );
    if (signal.aborted) return;
    const since = incoming.take();
    dropped.value += incoming.push(...docs.reverse(), ...since);
    if (done.cursor !== null) gaps.value += 1;
  } catch (thrown) {
    if (!isAbort(thrown) && !signal.aborted) gaps.value += 1;
  }
}

/** EventSource doesn't tell why it gave up: the same query, asked plainly, shows whether it is the query's fault. */
async function isRefused(q: string, signal: AbortSignal): Promise<boolean> {
  try {
    await api.query({ q, limit: 1 }, signal, () => undefined);
    return false;
  } catch (thrown) {
    if (isAbort(thrown) || signal.aborted) return false;
    const failure = toApiError(thrown);
    tailError.value = failure;
    return !failure.transient;
  }
}

function take(doc: Doc): void {
  dropped.value += incoming.push(idOf(doc) === "" ? { ...doc, _id: `local-${(localIds += 1)}` } : doc);
}

function flush(): void {
  if (paused.peek() !== "no") {
    buffered.value = incoming.count;
    return;
  }
  if (incoming.count === 0) return;
  batch(() => {
    tailRows.append(incoming.take());
    tailRows.trimFront(TAIL_MAX_ROWS, TAIL_MAX_CHARS);
    buffered.value = 0;
  });
}

export function pause(by: "asked" | "scrolled"): void {
  if (paused.peek() === "no") paused.value = by;
}

export function resume(): void {
  paused.value = "no";
  flush();
}

export function clearTail(): void {
  incoming.take();
  buffered.value = 0;
  tailRows.replace([]);
}
