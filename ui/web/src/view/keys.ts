// The keys of the page. Single letters only count outside of inputs, and can be switched off.

import { collectorNow } from "../api/client";
import { shortcutsOn, sidebarOpen, wrap } from "../state/prefs";
import { activeRows, currentIndex, move, moveTo, open, openDoc, showAround } from "../state/selection";
import { pause, paused, resume } from "../state/tail";
import { resolveRange } from "../core/time";
import { navigate, runCount, view } from "../state/view";
import { closeAndReturn, copyLink, DRAWER_ID } from "./drawer";
import { helpOpen } from "./help";
import { LIST_ID } from "./list";
import { copyText } from "./notify";
import { QUERY_INPUT_ID } from "./query-bar";
import { pickerOpen, shift, widen } from "./time-picker";

/** Switches the live tail; leaving it shows the last minutes, where the eye just was. */
export function toggleLive(): void {
  const { live, from, to } = view.peek();
  const range = resolveRange({ from, to }, collectorNow());
  if (!live) navigate({ live: true, id: "", at: "" });
  else navigate(range && to !== "now" ? { live: false, from: "now-15m", to: "now" } : { live: false });
}

const isOpen = (): boolean => view.peek().id !== "";

function openCurrent(): void {
  const doc = activeRows.peek().at(Math.max(0, currentIndex()));
  if (!doc) return;
  open(doc);
  // The keyboard that opened it wants to be in it.
  requestAnimationFrame(() => document.getElementById(DRAWER_ID)?.focus({ preventScroll: true }));
}

function copyCurrent(): void {
  const doc = activeRows.peek().at(currentIndex());
  if (doc) void copyText(JSON.stringify(doc, null, 2), "Document");
}

function pageOfRows(): number {
  return Math.max(1, Math.floor((document.getElementById(LIST_ID)?.clientHeight ?? 440) / 22) - 2);
}

/** Keys that are never letters: they work whatever the preferences say. */
const NAVIGATION: Readonly<Record<string, () => void>> = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  PageDown: () => moveTo(Math.max(0, currentIndex()) + pageOfRows()),
  PageUp: () => moveTo(currentIndex() - pageOfRows()),
  Home: () => moveTo(0),
  End: () => moveTo(activeRows.peek().count - 1),
  Enter: openCurrent,
};

const LETTERS: Readonly<Record<string, () => void>> = {
  "/": () => document.querySelector<HTMLElement>(`#${QUERY_INPUT_ID} textarea`)?.focus(),
  "?": () => void (helpOpen.value = true),
  j: () => move(1),
  k: () => move(-1),
  g: () => moveTo(0),
  G: () => moveTo(activeRows.peek().count - 1),
  o: openCurrent,
  a: () => {
    const doc = openDoc.peek() ?? activeRows.peek().at(currentIndex());
    if (doc) showAround(doc);
  },
  c: copyCurrent,
  y: () => void copyLink(),
  t: () => void (pickerOpen.value = !pickerOpen.peek()),
  "[": () => shift(-1),
  "]": () => shift(1),
  z: widen,
  r: () => void (runCount.value += 1),
  l: toggleLive,
  p: () => {
    if (!view.peek().live) return;
    if (paused.peek() === "no") pause("asked");
    else resume();
  },
  w: () => void (wrap.value = !wrap.peek()),
  b: () => void (sidebarOpen.value = !sidebarOpen.peek()),
};

function actionFor(event: KeyboardEvent): (() => void) | undefined {
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  if (target.closest("input, textarea, select, dialog")) return undefined;
  if (event.key === "Escape") return isOpen() ? closeAndReturn : undefined;
  if (isOpen() && event.key === "ArrowLeft") return () => move(-1);
  if (isOpen() && event.key === "ArrowRight") return () => move(1);
  // A focused button or field keeps its own keys; the list and the bare page move the rows.
  const free = target === document.body || target.id === LIST_ID || target.id === DRAWER_ID;
  if (free && event.key in NAVIGATION) return NAVIGATION[event.key];
  return shortcutsOn.peek() ? LETTERS[event.key] : undefined;
}

export function listenToKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const action = actionFor(event);
    if (!action) return;
    event.preventDefault();
    action();
  });
}
