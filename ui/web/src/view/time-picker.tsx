// The time picker: quick ranges, typed ends, recent ones, zone, automatic refresh; and the moves along the time axis.

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";

import { collectorNow } from "../api/client";
import {
  describeRange,
  formatInstant,
  parseTyped,
  QUICK_RANGES,
  resolveInstant,
  resolveRange,
  shiftRange,
  zoneName,
  zoomOut,
} from "../core/time";
import { REFRESH_CHOICES_S } from "../core/url";
import { recentRanges } from "../state/prefs";
import { navigate, runCount, setRange, view } from "../state/view";
import { Icon } from "./icons";
import { Popover } from "./popover";

export const pickerOpen = signal(false);

const resolved = () => resolveRange(view.value, collectorNow());

export function shift(direction: -1 | 1): void {
  const range = resolved();
  if (!range) return;
  const next = shiftRange(range, direction, collectorNow());
  navigate({ ...next, live: false });
}

export function widen(): void {
  const range = resolved();
  if (range) navigate({ ...zoomOut(range, collectorNow()), live: false });
}

export function TimePicker() {
  const { tz, refreshS } = view.value;
  const label = describeRange(view.value, tz);
  return (
    <div class="button-group" role="group" aria-label="Time range">
      <button
        type="button"
        class="button"
        title="Earlier  ["
        aria-label="Earlier by half the range"
        onClick={() => shift(-1)}
      >
        <Icon name="left" />
      </button>
      <Popover
        open={pickerOpen}
        label={`Time range: ${label}`}
        title="Time range  t"
        panelClass="time-panel"
        button={
          <>
            <Icon name="clock" />
            <span class="time-label">{label}</span>
            {refreshS > 0 && <span class="badge">{refreshS} s</span>}
            <Icon name="down" />
          </>
        }
      >
        <PickerPanel />
      </Popover>
      <button
        type="button"
        class="button"
        title="Later  ]"
        aria-label="Later by half the range"
        onClick={() => shift(1)}
      >
        <Icon name="right" />
      </button>
      <button type="button" class="button" title="Zoom out  z" aria-label="Zoom out" onClick={widen}>
        <Icon name="zoomOut" />
      </button>
      <button
        type="button"
        class="button"
        title="Search again  r"
        aria-label="Search again"
        onClick={() => (runCount.value += 1)}
      >
        <Icon name="refresh" />
      </button>
    </div>
  );
}

function PickerPanel() {
  const choose = (from: string, to: string): void => {
    setRange(from, to);
    pickerOpen.value = false;
  };
  const recent = recentRanges.value
    .map((entry) => entry.split(" "))
    .filter((pair): pair is [string, string] => pair.length === 2)
    .filter(([from, to]) => to !== "now" || !QUICK_RANGES.some((quick) => quick.from === from))
    .slice(0, 5);
  return (
    <div class="time-columns">
      <div>
        <TypedRange choose={choose} />
        {recent.length > 0 && (
          <>
            <h3>Recent</h3>
            <ul class="menu-list">
              {recent.map(([from, to]) => (
                <li key={`${from} ${to}`}>
                  <button type="button" onClick={() => choose(from, to)}>
                    {describeRange({ from, to }, view.value.tz)}
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
        <ZoneAndRefresh />
      </div>
      <div>
        <h3>Quick ranges</h3>
        <ul class="menu-list">
          {QUICK_RANGES.map((quick) => (
            <li key={quick.from}>
              <button
                type="button"
                aria-current={view.value.from === quick.from && view.value.to === "now"}
                onClick={() => choose(quick.from, "now")}
              >
                {quick.label}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function TypedRange({ choose }: { choose(from: string, to: string): void }) {
  const { tz } = view.value;
  const [now] = useState(collectorNow);
  const editable = (expr: string): string =>
    expr.startsWith("now") ? expr : formatInstant(resolveInstant(expr, now) ?? now, tz, "ms").replace(/\.000$/, "");
  const [from, setFrom] = useState(() => editable(view.value.from));
  const [to, setTo] = useState(() => editable(view.value.to));
  const [a, b] = [parseTyped(from, now, tz), parseTyped(to, now, tz)];
  const range = a !== undefined && b !== undefined ? resolveRange({ from: a, to: b }, now) : undefined;
  const complaint =
    a === undefined
      ? "From is not a time."
      : b === undefined
        ? "To is not a time."
        : range
          ? ""
          : "From must be before To.";
  const preview = range
    ? `${formatInstant(range.startMs, tz, "s")} to ${formatInstant(range.endMs, tz, "s")}`
    : complaint;
  return (
    <form
      class="typed-range"
      onSubmit={(event) => {
        event.preventDefault();
        if (a && b && range) choose(a, b);
      }}
    >
      <label>
        From
        <input
          data-autofocus
          type="text"
          spellcheck={false}
          value={from}
          aria-invalid={a === undefined}
          onInput={(e) => setFrom(e.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input
          type="text"
          spellcheck={false}
          value={to}
          aria-invalid={b === undefined}
          onInput={(e) => setTo(e.currentTarget.value)}
        />
      </label>
      <p class={range ? "note" : "note bad"} role={range ? undefined : "alert"}>
        {preview}
      </p>
      <p class="note">2026-11-22 14:00, 14:00, now-2h, 30m, RFC 3339 or an epoch number</p>
      <button type="submit" class="button primary" disabled={!range}>
        Apply
      </button>
    </form>
  );
}

function ZoneAndRefresh() {
  return (
    <div class="time-options">
      <ZoneSwitch />
      <label class="inline-label">
        Refresh
        <select
          value={view.value.refreshS}
          onChange={(event) => navigate({ refreshS: Number(event.currentTarget.value) })}
        >
          <option value={0}>off</option>
          {REFRESH_CHOICES_S.map((s) => (
            <option key={s} value={s}>
              {s < 60 ? `${s} s` : `${s / 60} min`}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** Local time or UTC, for everything on the page. */
export function ZoneSwitch() {
  const { tz } = view.value;
  return (
    <div class="segmented" role="group" aria-label="Time zone">
      {(["local", "utc"] as const).map((zone) => (
        <button
          key={zone}
          type="button"
          aria-pressed={tz === zone}
          title={zoneName(zone)}
          onClick={() => navigate({ tz: zone }, { replace: true })}
        >
          {zone === "utc" ? "UTC" : "Local"}
        </button>
      ))}
    </div>
  );
}
