// Counts over time, stacked by level: an SVG with a brush for mouse and keyboard, a legend with numbers, and the
// same as a table for those who can't use a drawing.

import { signal } from "@preact/signals";

import { formatCount } from "../core/format";
import { levelTotals, type Histogram as Data } from "../core/scale";
import { formatInstant, formatSpan } from "../core/time";
import { error, histogram, histogramError, histogramStale, range } from "../state/search";
import { filterTerm, view } from "../state/view";
import { LEVEL_NAMES, zoomTo } from "./brush";
import { Chart } from "./chart";
import { IconButton } from "./icon-button";

const asTable = signal(false);

export function Histogram() {
  const data = histogram.value;
  const failure = histogramError.value;
  const within = range.value;
  if (!data && (failure || error.value)) return null; // The list says what went wrong.
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
      {failure && !error.value && (
        <p class="histogram-error" role="alert">
          No histogram: {failure.message}
        </p>
      )}
    </section>
  );
}

function Legend({ data }: { data: Data }) {
  const totals = levelTotals(data);
  return (
    <div class="legend">
      <ul aria-label="Levels">
        {totals.map(({ level, count }) => (
          <li key={level}>
            {level === "none" ? (
              <span class="legend-entry">
                <i class="swatch fill-none" />
                {LEVEL_NAMES.none} <b>{formatCount(count)}</b>
              </span>
            ) : (
              <button
                type="button"
                class="legend-entry"
                title={`Only ${level}`}
                onClick={() => filterTerm(`level:${level}`)}
              >
                <i class={`swatch fill-${level}`} />
                {level} <b>{formatCount(count)}</b>
              </button>
            )}
          </li>
        ))}
      </ul>
      <span class="legend-note">
        {formatSpan(data.stepMs)} per bar{data.partial && <strong class="partial"> · partial counts</strong>}
      </span>
      <IconButton
        icon={asTable.value ? "chart" : "table"}
        pressed={asTable.value}
        title="Show the counts as a table"
        label="Show the counts as a table"
        onClick={() => (asTable.value = !asTable.value)}
      />
    </div>
  );
}

function DataTable({ data }: { data: Data }) {
  const levels = levelTotals(data).map((entry) => entry.level);
  const within = range.value;
  return (
    <div class="histogram-table" tabIndex={0} role="region" aria-label="Counts over time">
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" class="number">
              Total
            </th>
            {levels.map((l) => (
              <th key={l} scope="col" class="number">
                {LEVEL_NAMES[l]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.buckets.map((bucket, i) => (
            <tr key={bucket.startMs}>
              <th scope="row">
                <button type="button" class="link-button" onClick={() => within && zoomTo(data, within, i, i)}>
                  {formatInstant(bucket.startMs, view.value.tz, "s")}
                </button>
              </th>
              <td class="number">{formatCount(bucket.count)}</td>
              {levels.map((l) => (
                <td key={l} class="number">
                  {formatCount(bucket.byLevel[l] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
