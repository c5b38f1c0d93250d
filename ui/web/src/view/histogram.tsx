// Counts over time, stacked by level: an SVG with a brush for mouse and keyboard, a legend with numbers, and the
// same as a table for those who can't use a drawing.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import { formatCount, formatShort, plural } from "../core/format";
import type { Level } from "../core/level";
import { brushRange, bucketAt, levelTotals, niceMax, stack, timeTicks, type Bucket, type Histogram as Data } from "../core/scale";
import { fixedRange, formatInstant, formatSpan, type Range } from "../core/time";
import { histogram, histogramError, histogramStale, range } from "../state/search";
import { filterTerm, setRange, view } from "../state/view";
import { Icon } from "./icons";
import { announce } from "./notify";

const HEIGHT_PX = 88;
const AXIS_PX = 16;
const LEFT_PX = 44;
const TICK_MIN_PX = 76;

const asTable = signal(false);
/** The buckets being chosen: the anchor and the moving end. */
const brush = signal<{ anchor: number; head: number } | undefined>(undefined);

export function Histogram() {
  const data = histogram.value;
  const failure = histogramError.value;
  const within = range.value;
  if (!data && failure) return null; // The list says what went wrong.
  return (
    <section class={`histogram${histogramStale.value ? " stale" : ""}`} aria-label="Histogram">
      {data && within ? (
        <>
          {asTable.value ? <DataTable data={data} /> : <Chart data={data} within={within} />}
          <Legend data={data} />
        </>
      ) : (
        <p class="histogram-void">Counting…</p>
      )}
      {failure && failure.status !== 400 && <p class="histogram-error" role="alert">No histogram: {failure.message}</p>}
    </section>
  );
}

function zoomTo(data: Data, within: Range, a: number, b: number): void {
  const chosen = brushRange(data, a, b, within);
  brush.value = undefined;
  if (!chosen) return;
  const { from, to } = fixedRange(chosen.startMs, chosen.endMs);
  setRange(from, to);
}

function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!ref.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

function Chart({ data, within }: { data: Data; within: Range }) {
  const { ref, width } = useWidth();
  const [hover, setHover] = useState<number | undefined>(undefined);
  const pressed = useRef(false);
  const plot = Math.max(0, width - LEFT_PX);
  const count = data.buckets.length;

  const bucketOf = (event: PointerEvent): number => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return bucketAt((event.clientX - box.left - LEFT_PX) / Math.max(1, plot), count);
  };
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0 || count === 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    pressed.current = true;
    brush.value = { anchor: bucketOf(event), head: bucketOf(event) };
  };
  const onPointerMove = (event: PointerEvent): void => {
    const at = bucketOf(event);
    setHover(at);
    if (pressed.current && brush.value) brush.value = { ...brush.value, head: at };
  };
  const onPointerUp = (): void => {
    if (!pressed.current) return;
    pressed.current = false;
    if (brush.value) zoomTo(data, within, brush.value.anchor, brush.value.head);
  };
  const marked = hover ?? brush.value?.head;
  return (
    <div class="chart" ref={ref} tabIndex={0} role="slider" aria-label="Histogram: arrow keys choose a bucket, Shift extends, Enter zooms in"
      aria-valuemin={0} aria-valuemax={Math.max(0, count - 1)} aria-valuenow={brush.value?.head ?? 0}
      aria-valuetext={bucketText(data, brush.value?.head ?? 0)}
      onKeyDown={(event) => onChartKey(event, data, within)} onBlur={() => { if (!pressed.current) brush.value = undefined; }}
      onPointerDown={onPointerDown} onPointerMove={onPointerMove} onPointerUp={onPointerUp}
      onPointerCancel={() => { pressed.current = false; brush.value = undefined; }} onPointerLeave={() => setHover(undefined)}>
      {width > 0 && <Drawing data={data} within={within} width={width} hover={marked} />}
      {marked !== undefined && width > 0 && <Tooltip data={data} at={marked} width={width} />}
    </div>
  );
}

function onChartKey(event: KeyboardEvent, data: Data, within: Range): void {
  const last = data.buckets.length - 1;
  const now = brush.value;
  const moveTo = (head: number): void => {
    const clamped = Math.max(0, Math.min(last, head));
    brush.value = { anchor: event.shiftKey ? (now?.anchor ?? clamped) : clamped, head: clamped };
  };
  switch (event.key) {
    case "ArrowLeft": moveTo((now?.head ?? last + 1) - 1); break;
    case "ArrowRight": moveTo((now?.head ?? -1) + 1); break;
    case "PageUp": moveTo((now?.head ?? last) - 10); break;
    case "PageDown": moveTo((now?.head ?? 0) + 10); break;
    case "Home": moveTo(0); break;
    case "End": moveTo(last); break;
    case "Enter":
      if (!now) return;
      zoomTo(data, within, now.anchor, now.head);
      announce("Zoomed in");
      break;
    case "Escape":
      if (!now) return;
      brush.value = undefined;
      break;
    default: return;
  }
  event.preventDefault();
  event.stopPropagation();
}

function Drawing({ data, within, width, hover }: { data: Data; within: Range; width: number; hover: number | undefined }) {
  const plot = width - LEFT_PX;
  const count = Math.max(1, data.buckets.length);
  const step = plot / count;
  const tall = HEIGHT_PX - AXIS_PX - 4;
  const max = niceMax(data.buckets.reduce((most, bucket) => Math.max(most, bucket.count), 0));
  const first = data.buckets[0]?.startMs ?? within.startMs;
  const span = { startMs: first, endMs: first + data.stepMs * count };
  const x = (ms: number): number => LEFT_PX + (plot * (ms - span.startMs)) / (span.endMs - span.startMs);
  const y = (share: number): number => 4 + tall * (1 - share);
  const chosen = brush.value;
  return (
    <svg width={width} height={HEIGHT_PX} aria-hidden="true">
      {[0.5, 1].map((share) => (
        <g key={share}>
          <line class="grid-line" x1={LEFT_PX} x2={width} y1={y(share)} y2={y(share)} />
          {(max * share) % 1 === 0 && <text class="axis" x={LEFT_PX - 6} y={y(share) + 4} text-anchor="end">{formatShort(max * share)}</text>}
        </g>
      ))}
      <line class="axis-line" x1={LEFT_PX} x2={width} y1={y(0) + 0.5} y2={y(0) + 0.5} />
      {hover !== undefined && <rect class="hovered" x={LEFT_PX + hover * step} y={4} width={step} height={tall} />}
      {data.buckets.map((bucket, i) => (
        <Bar key={i} bucket={bucket} max={max} x={LEFT_PX + i * step} width={step} y={y} />
      ))}
      {chosen && (
        <rect class="brushed" x={LEFT_PX + Math.min(chosen.anchor, chosen.head) * step} y={2}
          width={(Math.abs(chosen.anchor - chosen.head) + 1) * step} height={tall + 2} />
      )}
      {timeTicks(span, Math.floor(plot / TICK_MIN_PX), view.value.tz).map((tick) => (
        <g key={tick.ms}>
          <line class="axis-line" x1={x(tick.ms)} x2={x(tick.ms)} y1={y(0)} y2={y(0) + 4} />
          <text class="axis" x={x(tick.ms)} y={HEIGHT_PX - 1} text-anchor={x(tick.ms) > width - 24 ? "end" : "middle"}>{tick.label}</text>
        </g>
      ))}
    </svg>
  );
}

interface BarProps {
  bucket: Bucket;
  max: number;
  x: number;
  width: number;
  y(share: number): number;
}

function Bar({ bucket, max, x, width, y }: BarProps) {
  const gap = width > 4 ? 1 : 0;
  return (
    <>
      {stack(bucket, max).map(({ level, y0, y1 }) => {
        // A single error among a million lines still gets a pixel.
        const height = Math.max(1, y(y0) - y(y1));
        return <rect key={level} class={`fill-${level}`} x={x + gap / 2} y={y(y0) - height} width={Math.max(0.5, width - gap)} height={height} />;
      })}
    </>
  );
}

const LEVEL_NAMES: Readonly<Record<Level, string>> = {
  fatal: "fatal", error: "error", warn: "warn", info: "info", debug: "debug", trace: "trace", none: "no level",
};

function bucketText(data: Data, at: number): string {
  const bucket = data.buckets[at];
  if (!bucket) return "";
  const levels = levelTotals({ ...data, buckets: [bucket] }).map(({ level, count }) => `${LEVEL_NAMES[level]} ${formatCount(count)}`);
  return [`${formatInstant(bucket.startMs, view.value.tz, "s")}`, plural(bucket.count, "event"), ...levels].join(", ");
}

function Tooltip({ data, at, width }: { data: Data; at: number; width: number }) {
  const bucket = data.buckets[at];
  if (!bucket) return null;
  const { tz } = view.value;
  const precise = data.stepMs < 1_000 ? "ms" : "s";
  const x = LEFT_PX + ((width - LEFT_PX) * (at + 0.5)) / data.buckets.length;
  const side = x > width / 2 ? { right: `${Math.round(width - x + 10)}px` } : { left: `${Math.round(x + 10)}px` };
  return (
    <div class="tooltip" style={side} aria-hidden="true">
      <div class="tooltip-time">{formatInstant(bucket.startMs, tz, precise)} <span>+ {formatSpan(data.stepMs)}</span></div>
      <table>
        <tbody>
          {levelTotals({ ...data, buckets: [bucket] }).map(({ level, count }) => (
            <tr key={level}><td><i class={`swatch fill-${level}`} />{LEVEL_NAMES[level]}</td><td>{formatCount(count)}</td></tr>
          ))}
          <tr class="tooltip-total"><td>total</td><td>{formatCount(bucket.count)}</td></tr>
        </tbody>
      </table>
    </div>
  );
}

function Legend({ data }: { data: Data }) {
  const totals = levelTotals(data);
  return (
    <div class="legend">
      <ul aria-label="Levels">
        {totals.map(({ level, count }) => (
          <li key={level}>
            {level === "none"
              ? <span class="legend-entry"><i class="swatch fill-none" />{LEVEL_NAMES.none} <b>{formatCount(count)}</b></span>
              : (
                <button type="button" class="legend-entry" title={`Only ${level}`} onClick={() => filterTerm(`level:${level}`)}>
                  <i class={`swatch fill-${level}`} />{level} <b>{formatCount(count)}</b>
                </button>
              )}
          </li>
        ))}
      </ul>
      <span class="legend-note">
        {formatSpan(data.stepMs)} per bar{data.partial && <strong class="partial"> · partial counts</strong>}
      </span>
      <button type="button" class="icon-button" aria-pressed={asTable.value} title="Show the counts as a table" aria-label="Show the counts as a table"
        onClick={() => (asTable.value = !asTable.value)}>
        <Icon name={asTable.value ? "chart" : "table"} />
      </button>
    </div>
  );
}

function DataTable({ data }: { data: Data }) {
  const levels = levelTotals(data).map((entry) => entry.level);
  const within = range.value;
  return (
    <div class="histogram-table" tabIndex={0} role="region" aria-label="Counts over time">
      <table class="plain-table">
        <thead><tr><th scope="col">From</th><th scope="col" class="number">Total</th>{levels.map((l) => <th key={l} scope="col" class="number">{LEVEL_NAMES[l]}</th>)}</tr></thead>
        <tbody>
          {data.buckets.map((bucket, i) => (
            <tr key={bucket.startMs}>
              <th scope="row"><button type="button" class="link-button" onClick={() => within && zoomTo(data, within, i, i)}>{formatInstant(bucket.startMs, view.value.tz, "s")}</button></th>
              <td class="number">{formatCount(bucket.count)}</td>
              {levels.map((l) => <td key={l} class="number">{formatCount(bucket.byLevel[l] ?? 0)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
