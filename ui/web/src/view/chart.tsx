// The drawing of the histogram: bars, axes, the brush for mouse and keyboard, the counts of the bar under the pointer.

import { useEffect, useRef, useState } from "preact/hooks";

import { formatCount, formatShort, plural } from "../core/format";
import { bucketAt, levelTotals, niceMax, stack, timeTicks, type Bucket, type Histogram as Data } from "../core/scale";
import { formatInstant, formatSpan, type Range } from "../core/time";
import { view } from "../state/view";
import { brush, LEVEL_NAMES, zoomTo } from "./brush";
import { announce } from "./notify";

const HEIGHT_PX = 88;
const AXIS_PX = 16;
const LEFT_PX = 44;
const TOP_PX = 4;
const PLOT_PX = HEIGHT_PX - AXIS_PX - TOP_PX;
/** Time labels stand no closer than this. */
const TICK_MIN_PX = 76;

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

export function Chart({ data, within }: { data: Data; within: Range }) {
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
    <div
      class="chart"
      ref={ref}
      tabIndex={0}
      role="slider"
      aria-label="Histogram: arrow keys choose a bucket, Shift extends, Enter zooms in"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, count - 1)}
      aria-valuenow={brush.value?.head ?? 0}
      aria-valuetext={bucketText(data, brush.value?.head ?? 0)}
      onKeyDown={(event) => onChartKey(event, data, within)}
      onBlur={() => {
        if (!pressed.current) brush.value = undefined;
      }}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={() => {
        pressed.current = false;
        brush.value = undefined;
      }}
      onPointerLeave={() => setHover(undefined)}
    >
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
    case "ArrowLeft":
      moveTo((now?.head ?? last + 1) - 1);
      break;
    case "ArrowRight":
      moveTo((now?.head ?? -1) + 1);
      break;
    case "PageUp":
      moveTo((now?.head ?? last) - 10);
      break;
    case "PageDown":
      moveTo((now?.head ?? 0) + 10);
      break;
    case "Home":
      moveTo(0);
      break;
    case "End":
      moveTo(last);
      break;
    case "Enter":
      if (!now) return;
      zoomTo(data, within, now.anchor, now.head);
      announce("Zoomed in");
      break;
    case "Escape":
      if (!now) return;
      brush.value = undefined;
      break;
    default:
      return;
  }
  event.preventDefault();
  event.stopPropagation();
}

interface DrawingProps {
  data: Data;
  within: Range;
  width: number;
  hover: number | undefined;
}

/** Pixels from the top for a share of the axis. */
const yOf = (share: number): number => TOP_PX + PLOT_PX * (1 - share);

function Drawing({ data, within, width, hover }: DrawingProps) {
  const count = Math.max(1, data.buckets.length);
  const step = (width - LEFT_PX) / count;
  const max = niceMax(data.buckets.reduce((most, bucket) => Math.max(most, bucket.count), 0));
  const first = data.buckets[0]?.startMs ?? within.startMs;
  const chosen = brush.value;
  return (
    <svg width={width} height={HEIGHT_PX} aria-hidden="true">
      <CountAxis max={max} width={width} />
      {hover !== undefined && (
        <rect class="hovered" x={LEFT_PX + hover * step} y={TOP_PX} width={step} height={PLOT_PX} />
      )}
      {data.buckets.map((bucket, i) => (
        <Bar key={i} bucket={bucket} max={max} x={LEFT_PX + i * step} width={step} />
      ))}
      {chosen && (
        <rect
          class="brushed"
          x={LEFT_PX + Math.min(chosen.anchor, chosen.head) * step}
          y={TOP_PX - 2}
          width={(Math.abs(chosen.anchor - chosen.head) + 1) * step}
          height={PLOT_PX + 2}
        />
      )}
      <TimeAxis span={{ startMs: first, endMs: first + data.stepMs * count }} width={width} />
    </svg>
  );
}

function CountAxis({ max, width }: { max: number; width: number }) {
  return (
    <>
      {[0.5, 1].map((share) => (
        <g key={share}>
          <line class="grid-line" x1={LEFT_PX} x2={width} y1={yOf(share)} y2={yOf(share)} />
          {(max * share) % 1 === 0 && (
            <text class="axis" x={LEFT_PX - 6} y={yOf(share) + 4} text-anchor="end">
              {formatShort(max * share)}
            </text>
          )}
        </g>
      ))}
      <line class="axis-line" x1={LEFT_PX} x2={width} y1={yOf(0) + 0.5} y2={yOf(0) + 0.5} />
    </>
  );
}

function TimeAxis({ span, width }: { span: Range; width: number }) {
  const plot = width - LEFT_PX;
  const xOf = (ms: number): number => LEFT_PX + (plot * (ms - span.startMs)) / (span.endMs - span.startMs);
  return (
    <>
      {timeTicks(span, Math.floor(plot / TICK_MIN_PX), view.value.tz).map(({ ms, label }) => (
        <g key={ms}>
          <line class="axis-line" x1={xOf(ms)} x2={xOf(ms)} y1={yOf(0)} y2={yOf(0) + 4} />
          <text class="axis" x={xOf(ms)} y={HEIGHT_PX - 1} text-anchor={xOf(ms) > width - 24 ? "end" : "middle"}>
            {label}
          </text>
        </g>
      ))}
    </>
  );
}

interface BarProps {
  bucket: Bucket;
  max: number;
  x: number;
  width: number;
}

function Bar({ bucket, max, x, width }: BarProps) {
  const gap = width > 4 ? 1 : 0;
  return (
    <>
      {stack(bucket, max).map(({ level, y0, y1 }) => {
        // A single error among a million lines still gets a pixel.
        const height = Math.max(1, yOf(y0) - yOf(y1));
        return (
          <rect
            key={level}
            class={`fill-${level}`}
            x={x + gap / 2}
            y={yOf(y0) - height}
            width={Math.max(0.5, width - gap)}
            height={height}
          />
        );
      })}
    </>
  );
}

function bucketText(data: Data, at: number): string {
  const bucket = data.buckets[at];
  if (!bucket) return "";
  const levels = levelTotals({ ...data, buckets: [bucket] }).map(
    ({ level, count }) => `${LEVEL_NAMES[level]} ${formatCount(count)}`,
  );
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
      <div class="tooltip-time">
        {formatInstant(bucket.startMs, tz, precise)} <span>+ {formatSpan(data.stepMs)}</span>
      </div>
      <table>
        <tbody>
          {levelTotals({ ...data, buckets: [bucket] }).map(({ level, count }) => (
            <tr key={level}>
              <td>
                <i class={`swatch fill-${level}`} />
                {LEVEL_NAMES[level]}
              </td>
              <td>{formatCount(count)}</td>
            </tr>
          ))}
          <tr class="tooltip-total">
            <td>total</td>
            <td>{formatCount(bucket.count)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}
