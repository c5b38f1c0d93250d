// What belongs to this browser and not to a link: theme, wrapping, side panels, recent queries and ranges.

import { effect, signal, type Signal } from "@preact/signals";

const PREFIX = "millpond.";
const MAX_RECENT = 20;

export type Theme = "auto" | "light" | "dark";

function load<T>(name: string, fallback: T, valid: (value: unknown) => value is T): T {
  try {
    const text = localStorage.getItem(PREFIX + name);
    const value: unknown = text === null ? undefined : JSON.parse(text);
    return valid(value) ? value : fallback;
  } catch {
    return fallback; // storage switched off, or someone else's text in it
  }
}

/** A signal that survives a reload. Where storage is refused it just lives as long as the page. */
function stored<T>(name: string, fallback: T, valid: (value: unknown) => value is T): Signal<T> {
  const value = signal(load(name, fallback, valid));
  effect(() => {
    const text = JSON.stringify(value.value);
    try {
      localStorage.setItem(PREFIX + name, text);
    } catch {
      // As said above.
    }
  });
  return value;
}

const isBool = (value: unknown): value is boolean => typeof value === "boolean";
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

export const theme = stored<Theme>("theme", "auto", (v): v is Theme => v === "auto" || v === "light" || v === "dark");
export const wrap = stored("wrap", false, isBool);
/** On a small screen the panel lies over the rows: there it is opened on demand. */
export const sidebarOpen = stored("sidebar", innerWidth > 900, isBool);
export const histogramOpen = stored("histogram", true, isBool);
/** Single-letter shortcuts can be switched off (WCAG 2.1.4). */
export const shortcutsOn = stored("shortcuts", true, isBool);

const recent = {
  queries: stored<string[]>("queries", [], isTexts),
  ranges: stored<string[]>("ranges", [], isTexts),
};

export const recentQueries = recent.queries;
export const recentRanges = recent.ranges;

/** Puts an entry on top of a recent list. */
export function remember(list: keyof typeof recent, entry: string): void {
  if (entry === "") return;
  const kept = recent[list].value.filter((old) => old !== entry);
  recent[list].value = [entry, ...kept].slice(0, MAX_RECENT);
}

export function forgetQueries(): void {
  recent.queries.value = [];
}

/** Keeps the root element's theme in step. */
export function applyTheme(): void {
  effect(() => {
    if (theme.value === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme.value;
  });
}
