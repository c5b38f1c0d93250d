// The table that a query with `| stats` or `| top` ends in. A click on a heading sorts.

import { useState } from "preact/hooks";

import type { StatsTable } from "../api/client";
import type { Scalar } from "../core/doc";
import { formatInstant } from "../core/time";
import { compareCells, filterColumn } from "../core/table";
import { filterValue, view } from "../state/view";
import { IconButton } from "./icon-button";
import { Icon } from "./icons";

/** More rows than a person reads; the query's own `limit` is the better cut. */
const MAX_SHOWN = 2_000;

const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

function cellText(value: Scalar): string {
  if (value === null) return "–";
  if (typeof value === "number") return NUMBER.format(value);
  if (typeof value === "string" && INSTANT.test(value)) return formatInstant(Date.parse(value), view.value.tz, "s");
  return String(value);
}

export function Stats({ table }: { table: StatsTable }) {
  const [order, setOrder] = useState<{ column: number; down: boolean } | undefined>(undefined);
  const rows = order
    ? [...table.rows].sort(
        (a, b) => (order.down ? -1 : 1) * compareCells(a[order.column] ?? null, b[order.column] ?? null),
      )
    : table.rows;
  const numeric = table.columns.map((_, i) => table.rows.every((row) => row[i] === null || typeof row[i] === "number"));
  return (
    <div class="stats" tabIndex={0} role="region" aria-label="Table of the query">
      <table class="plain-table">
        <thead>
          <tr>
            {table.columns.map((column, i) => (
              <th
                key={column.name}
                scope="col"
                class={numeric[i] ? "number" : undefined}
                aria-sort={order?.column === i ? (order.down ? "descending" : "ascending") : "none"}
              >
                <button
                  type="button"
                  class="sort-button"
                  onClick={() => setOrder({ column: i, down: order?.column === i ? !order.down : numeric[i] === true })}
                >
                  {column.name}
                  {order?.column === i && <Icon name={order.down ? "down" : "up"} />}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_SHOWN).map((row, r) => (
            <tr key={r}>
              {table.columns.map((column, i) => (
                <StatsCell key={column.name} name={column.name} value={row[i] ?? null} numeric={numeric[i] === true} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows.length > MAX_SHOWN && (
        <p class="note">
          The first {NUMBER.format(MAX_SHOWN)} of {NUMBER.format(table.rows.length)} rows. Add <code>| limit</code> or
          download them all.
        </p>
      )}
    </div>
  );
}

function StatsCell({ name, value, numeric }: { name: string; value: Scalar; numeric: boolean }) {
  const field = filterColumn(view.value.q, name);
  const text = cellText(value);
  return (
    <td class={numeric ? "number" : undefined}>
      {text}
      {field !== undefined && value !== null && (
        <span class="cell-actions">
          <IconButton
            icon="plus"
            title="Filter for"
            label={`Filter for ${name} ${text}`}
            onClick={() => filterValue(field, value, "for")}
          />
          <IconButton
            icon="minus"
            title="Filter out"
            label={`Filter out ${name} ${text}`}
            onClick={() => filterValue(field, value, "out")}
          />
        </span>
      )}
    </td>
  );
}
