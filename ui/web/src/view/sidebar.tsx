// The fields: what there is, of which type, and for an opened one its exact top values with buttons to filter.

import { computed, signal } from "@preact/signals";

import type { FieldInfo, Facet } from "../api/client";
import { rankFields } from "../core/complete";
import { formatCount, formatPercent } from "../core/format";
import { quoteField } from "../core/query";
import { FACET_TOP, fieldList, fieldsError, openFacets, toggleFacet } from "../state/fields";
import { histogram } from "../state/search";
import { columns, filterTerm, filterValue, toggleColumn } from "../state/view";
import { IconButton } from "./icon-button";

/** More names than this want a filter, not a longer list. */
const MAX_SHOWN = 300;
/** What everybody looks for first stands first. */
const USUAL = ["log.level", "service.name", "host.name", "log.file.path"];
/** Text without top values worth counting, and what identifies a single document. */
const HIDDEN: ReadonlySet<string> = new Set(["@timestamp", "_id"]);

const filter = signal("");
const shown = computed(() => {
  const names = new Map(fieldList.value.filter((field) => !HIDDEN.has(field.name)).map((field) => [field.name, field]));
  const usual = USUAL.filter((name) => names.has(name));
  const rest = [...names.keys()].filter((name) => !usual.includes(name)).sort();
  const wanted = filter.value.trim();
  const order = wanted === "" ? [...usual, ...rest] : rankFields([...usual, ...rest], wanted, names.size);
  return order.map((name) => names.get(name)).filter((field): field is FieldInfo => field !== undefined);
});

export function Sidebar() {
  const list = shown.value;
  return (
    <nav class="sidebar" aria-label="Fields">
      <div class="sidebar-head">
        <input
          type="search"
          placeholder="Filter fields"
          aria-label="Filter fields"
          spellcheck={false}
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
      </div>
      {fieldsError.value && fieldList.value.length === 0 && (
        <p class="note bad">No fields: {fieldsError.value.message}</p>
      )}
      {list.length === 0 && !fieldsError.value && (
        <p class="note">
          {fieldList.value.length === 0 ? "Fields appear with the first documents." : "No field has this in its name."}
        </p>
      )}
      <ul class="field-list">
        {list.slice(0, MAX_SHOWN).map((field) => (
          <Field key={field.name} field={field} />
        ))}
      </ul>
      {list.length > MAX_SHOWN && <p class="note">{formatCount(list.length - MAX_SHOWN)} more: type to find them.</p>}
    </nav>
  );
}

const TYPE_MARKS: Readonly<Record<string, string>> = {
  string: "t",
  keyword: "t",
  text: "t",
  integer: "#",
  i64: "#",
  u64: "#",
  float: ".#",
  f64: ".#",
  bool: "?",
  boolean: "?",
  date: "@",
};

export const TypeBadge = ({ types }: { types: readonly string[] }) => (
  <span class="type-badge" title={types.join(", ")}>
    <span aria-hidden="true">{types.length > 1 ? "±" : (TYPE_MARKS[types[0] ?? ""] ?? "·")}</span>
    <span class="offscreen">{types.join(", ")}</span>
  </span>
);

function Field({ field }: { field: FieldInfo }) {
  const state = openFacets.value.get(field.name);
  const isColumn = columns.value.includes(field.name);
  return (
    <li class={state ? "field open" : "field"}>
      <div class="field-row">
        <button
          type="button"
          class="field-name"
          aria-expanded={state !== undefined}
          title={field.name}
          onClick={() => toggleFacet(field.name)}
        >
          <TypeBadge types={field.types} />
          <span class="ellipsis">{field.name}</span>
        </button>
        <IconButton
          icon="column"
          pressed={isColumn}
          title={isColumn ? "Remove the column" : "Add as a column"}
          label={`Column ${field.name}`}
          onClick={() => toggleColumn(field.name)}
        />
      </div>
      {state && (
        <div class={`facet${state.loading ? " stale" : ""}`}>
          {state.facet && <FacetValues field={field.name} facet={state.facet} />}
          {!state.facet && state.loading && <p class="note">Counting…</p>}
          {!state.facet && !state.loading && !state.error && (
            <p class="note">No document of this search has the field.</p>
          )}
          {state.error && <p class="note bad">{state.error.message}</p>}
        </div>
      )}
    </li>
  );
}

/** A value in one line. Of a path, the end tells more than the beginning. */
function FacetValue({ text }: { text: string }) {
  const path = text.startsWith("/");
  return (
    <span class={path ? "facet-value ellipsis from-end" : "facet-value ellipsis"} title={text}>
      {text === "" ? <em>empty</em> : <bdi dir={path ? "ltr" : "auto"}>{text}</bdi>}
    </span>
  );
}

function FacetValues({ field, facet }: { field: string; facet: Facet }) {
  const listed = facet.values.reduce((sum, entry) => sum + entry.count, 0);
  // Shares are of the documents that have the field.
  const having = Math.max(listed, (histogram.value?.total ?? 0) - facet.missing);
  const others = facet.distinct - facet.values.length;
  if (facet.values.length === 0) return <p class="note">No document of this search has the field.</p>;
  return (
    <>
      <ul class="facet-values">
        {facet.values.map(({ value, count }) => (
          <li key={`${typeof value}:${String(value)}`}>
            <div class="facet-bar" style={{ width: `${having > 0 ? (100 * count) / having : 0}%` }} />
            <FacetValue text={String(value)} />
            <span class="facet-count">{formatCount(count)}</span>
            <span class="facet-percent">{formatPercent(count, having)}</span>
            <IconButton
              icon="plus"
              title="Filter for this value"
              label={`Filter for ${field} ${String(value)}`}
              onClick={() => filterValue(field, value, "for")}
            />
            <IconButton
              icon="minus"
              title="Filter this value out"
              label={`Filter out ${field} ${String(value)}`}
              onClick={() => filterValue(field, value, "out")}
            />
          </li>
        ))}
      </ul>
      <p class="facet-foot">
        {formatCount(facet.distinct)} distinct{others > 0 && ` (top ${FACET_TOP} shown)`}
        {facet.missing > 0 && (
          <>
            {" "}
            ·{" "}
            <button
              type="button"
              class="link-button"
              title={`Only documents without ${field}`}
              onClick={() => filterTerm(`NOT ${quoteField(field)}:*`)}
            >
              missing in {formatCount(facet.missing)}
            </button>
          </>
        )}
      </p>
    </>
  );
}
