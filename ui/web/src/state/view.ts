// The view: what is searched and how it is shown. The URL is its only home; every change is a history entry.

import { computed, signal } from "@preact/signals";

import { addFilter, addTerm } from "../core/query";
import { DEFAULT_VIEW, formatView, parseView, type View } from "../core/url";
import { MESSAGE_COLUMN, SOURCE_COLUMN, type Scalar } from "../core/doc";
import { remember } from "./prefs";

const STANDARD_COLUMNS: readonly string[] = [SOURCE_COLUMN, MESSAGE_COLUMN];

export const view = signal<View>(parseView(location.search));

/** Goes up whenever the same view is to be searched again. */
export const runCount = signal(0);

/** The columns to show, after time and level. */
export const columns = computed(() => (view.value.cols.length === 0 ? STANDARD_COLUMNS : view.value.cols));

/** Changes the view. `replace` is for steps that nobody goes back to one by one (the next document in the drawer). */
export function navigate(change: Partial<View>, options: { replace?: boolean } = {}): void {
  const next = { ...view.value, ...change };
  const before = formatView(view.value);
  const after = formatView(next);
  view.value = next;
  if (before === after) return;
  if (options.replace) history.replaceState(null, "", `${location.pathname}${after}`);
  else history.pushState(null, "", `${location.pathname}${after}`);
}

export function listenToHistory(): void {
  addEventListener("popstate", () => {
    view.value = parseView(location.search);
  });
}

/** Runs a query; the same one again when it didn't change. The open document is closed unless it is to be kept. */
export function search(q: string, options: { keepOpen?: boolean } = {}): void {
  remember("queries", q.trim());
  if (q === view.value.q) runCount.value += 1;
  else navigate(options.keepOpen === true ? { q } : { q, id: "", at: "" });
}

export function setRange(from: string, to: string): void {
  remember("ranges", `${from} ${to}`);
  if (from === view.value.from && to === view.value.to) runCount.value += 1;
  else navigate({ from, to, live: false });
}

/** Narrows the search to a value, or leaves it out; what is filtered out can't stay open. */
export const filterValue = (field: string, value: Scalar, mode: "for" | "out"): void =>
  search(addFilter(view.value.q, field, value, mode), { keepOpen: mode === "for" });

export const filterTerm = (term: string): void => search(addTerm(view.value.q, term));

/** Adds a column before the message, or takes it away. */
export function toggleColumn(name: string): void {
  const now = columns.value;
  let next: string[];
  if (now.includes(name)) next = now.filter((column) => column !== name);
  else if (now.at(-1) === MESSAGE_COLUMN) next = [...now.slice(0, -1), name, MESSAGE_COLUMN];
  else next = [...now, name];
  const standard = next.length === 0 || next.join() === STANDARD_COLUMNS.join();
  navigate({ cols: standard ? [] : next });
}

/** Moves a column one place to the left (-1) or to the right (+1). */
export function moveColumn(name: string, direction: -1 | 1): void {
  const next = [...columns.value];
  const at = next.indexOf(name);
  const to = at + direction;
  if (at < 0 || to < 0 || to >= next.length) return;
  next.splice(at, 1);
  next.splice(to, 0, name);
  navigate({ cols: next.join() === STANDARD_COLUMNS.join() ? [] : next });
}

export const resetView = (): void => navigate({ ...DEFAULT_VIEW, tz: view.value.tz });
