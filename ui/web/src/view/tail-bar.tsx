// The line over a live tail: whether it runs, what waits while it is paused, and what was left out.

import { formatCount, plural } from "../core/format";
import {
  buffered,
  clearTail,
  connection,
  dropped,
  gaps,
  pause,
  paused,
  resume,
  skipped,
  tailError,
  tailRows,
} from "../state/tail";
import { navigate } from "../state/view";
import { Icon } from "./icons";

const STATES = {
  connecting: "Connecting…",
  open: "Live",
  lost: "Connection lost, trying again…",
  refused: "The collector refused the tail",
} as const;

export function TailBar() {
  void tailRows.version.value;
  const isPaused = paused.value !== "no";
  const state = connection.value;
  return (
    <div class="tail-bar" role="region" aria-label="Live tail">
      <span class={`pulse ${isPaused ? "paused" : state}`} aria-hidden="true" />
      <strong data-testid="tail-state">{state === "open" ? (isPaused ? "Paused" : "Live") : STATES[state]}</strong>
      {isPaused ? (
        <button type="button" class="button primary" onClick={resume}>
          <Icon name="play" />
          Resume
          {buffered.value > 0 && (
            <span class="badge" data-testid="buffered">
              {formatCount(buffered.value)} new
            </span>
          )}
        </button>
      ) : (
        <button type="button" class="button" onClick={() => pause("asked")}>
          <Icon name="pause" />
          Pause
        </button>
      )}
      <button type="button" class="button" onClick={clearTail}>
        Clear
      </button>
      <span class="dim">
        {plural(tailRows.count, "line")}
        {tailRows.dropped > 0 && `, ${formatCount(tailRows.dropped)} older ones let go`}
      </span>
      {paused.value === "scrolled" && <span class="dim">paused by scrolling; scroll to the end to go on</span>}
      {skipped.value > 0 && (
        <span class="warning" role="status">
          {plural(skipped.value, "line")} left out by the collector: more arrive than this page takes
        </span>
      )}
      {dropped.value > 0 && (
        <span class="warning" role="status">
          {plural(dropped.value, "line")} let go before they were shown: more came than the page keeps
        </span>
      )}
      {gaps.value > 0 && (
        <span class="warning" role="status">
          the connection was lost; lines of that time are missing here
        </span>
      )}
      {tailError.value && tailError.value.status !== 400 && (
        <span class="warning" role="alert">
          {tailError.value.message}
        </span>
      )}
      <span class="spacer" />
      <button type="button" class="button" onClick={() => navigate({ live: false })}>
        Stop
      </button>
    </div>
  );
}
