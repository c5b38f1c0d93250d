// The buckets that are being chosen in the histogram, and the zoom that the choice ends in.

import { signal } from "@preact/signals";

import type { Level } from "../core/level";
import { brushRange, type Histogram } from "../core/scale";
import { fixedRange, type Range } from "../core/time";
import { setRange } from "../state/view";

/** Both ends of the choice as bucket numbers: where it began, and the end that moves. */
export const brush = signal<{ anchor: number; head: number } | undefined>(undefined);

export function zoomTo(data: Histogram, within: Range, a: number, b: number): void {
  const chosen = brushRange(data, a, b, within);
  brush.value = undefined;
  if (!chosen) return;
  const { from, to } = fixedRange(chosen.startMs, chosen.endMs);
  setRange(from, to);
}

/** What the levels are called on the page. */
export const LEVEL_NAMES: Readonly<Record<Level, string>> = {
  fatal: "fatal",
  error: "error",
  warn: "warn",
  info: "info",
  debug: "debug",
  trace: "trace",
  none: "no level",
};
