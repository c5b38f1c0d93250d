// One document, whole: every field with its type and what can be done with it, or the JSON as it is stored.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { idOf, levelOfDoc, sortedFields, timestampOf, typeOf, valueText, type Doc, type Scalar, type Value } from "../core/doc";
import { fixedRange, formatExact } from "../core/time";
import { formatView } from "../core/url";
import { marks, range } from "../state/search";
import { activeRows, closeDoc, currentIndex, move, openDoc, openError, showAround } from "../state/selection";
import { columns, filterValue, toggleColumn, view } from "../state/view";
import { Icon } from "./icons";
import { LogText } from "./message";
import { copyText } from "./notify";
import { TypeBadge } from "./sidebar";
import { LIST_ID } from "./list";

/** A value longer than this is shown in part until asked for. */
const VALUE_MAX_CHARS = 20_000;

const tab = signal<"fields" | "json">("fields");
const filter = signal("");
const fullValues = signal<ReadonlySet<string>>(new Set());

export const DRAWER_ID = "document";

export function closeAndReturn(): void {
  closeDoc();
  document.getElementById(LIST_ID)?.focus({ preventScroll: true });
}

/** A link to what is on the screen now: relative ranges are made fixed, so that it shows the same later. */
export function copyLink(): Promise<void> {
  const r = range.peek();
  const fixed = r && !view.peek().live ? fixedRange(r.startMs, r.endMs) : {};
  const search = formatView({ ...view.peek(), ...fixed, refreshS: 0 });
  return copyText(`${location.origin}${location.pathname}${search}`, "Link");
}

export function Drawer() {
  if (view.value.id === "") return null;
  const doc = openDoc.value;
  const failure = openError.value;
  return (
    <aside class="drawer" id={DRAWER_ID} tabIndex={-1} role="region" aria-label="Document">
      <Head doc={doc} />
      {doc && (tab.value === "fields" ? <Fields doc={doc} /> : <Json doc={doc} />)}
      {!doc && !failure && <p class="note">Fetching the document…</p>}
      {failure === "gone" && <p class="note">This document is no longer there: it may have passed the retention time.</p>}
      {failure && failure !== "gone" && <p class="note bad" role="alert">{failure.message}</p>}
    </aside>
  );
}

function Head({ doc }: { doc: Doc | undefined }) {
  const at = currentIndex();
  const last = activeRows.value.count - 1;
  return (
    <header class="drawer-head">
      <div class="drawer-title">
        {doc && <span class={`level-tag level-${levelOfDoc(doc)}`}>{levelOfDoc(doc) === "none" ? "document" : levelOfDoc(doc)}</span>}
        {doc && <time dateTime={timestampOf(doc)}>{formatExact(timestampOf(doc), view.value.tz)}</time>}
      </div>
      <div class="drawer-tools">
        <div class="segmented" role="group" aria-label="How to show the document">
          <button type="button" aria-pressed={tab.value === "fields"} onClick={() => (tab.value = "fields")}>Fields</button>
          <button type="button" aria-pressed={tab.value === "json"} onClick={() => (tab.value = "json")}>JSON</button>
        </div>
        <button type="button" class="icon-button" title="Newer  ←" aria-label="Previous document" disabled={at <= 0} onClick={() => move(-1)}><Icon name="up" /></button>
        <button type="button" class="icon-button" title="Older  →" aria-label="Next document" disabled={at < 0 || at >= last} onClick={() => move(1)}><Icon name="down" /></button>
        <button type="button" class="icon-button" title="Lines of the same source around this one  a" aria-label="Lines of the same source around this one" disabled={!doc} onClick={() => doc && showAround(doc)}><Icon name="around" /></button>
        <button type="button" class="icon-button" title="Copy as JSON  c" aria-label="Copy as JSON" disabled={!doc} onClick={() => doc && void copyText(JSON.stringify(doc, null, 2), "Document")}><Icon name="copy" /></button>
        <button type="button" class="icon-button" title="Copy a link  y" aria-label="Copy a link to this document" onClick={() => void copyLink()}><Icon name="link" /></button>
        <button type="button" class="icon-button" title="Close  Esc" aria-label="Close the document" onClick={closeAndReturn}><Icon name="close" /></button>
      </div>
    </header>
  );
}

function Json({ doc }: { doc: Doc }) {
  const text = JSON.stringify(Object.fromEntries(sortedFields(doc)), null, 2);
  return <pre class="drawer-json" tabIndex={0} aria-label="Document as JSON">{text}</pre>;
}

function Fields({ doc }: { doc: Doc }) {
  const list = useRef<HTMLDivElement>(null);
  const wanted = filter.value.trim().toLowerCase();
  const fields = sortedFields(doc).filter(
    ([name, value]) => wanted === "" || name.toLowerCase().includes(wanted) || valueText(value).toLowerCase().includes(wanted),
  );
  useEffect(() => {
    if (list.current) list.current.scrollTop = 0;
  }, [idOf(doc)]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const here = (event.target as HTMLElement).closest<HTMLElement>(".doc-field");
    if (!here) return;
    const next = event.key === "ArrowDown" ? here.nextElementSibling : here.previousElementSibling;
    if (next instanceof HTMLElement) next.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <div class="drawer-filter">
        <input type="search" placeholder="Filter fields and values" aria-label="Filter fields and values" spellcheck={false} value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)} />
      </div>
      <div class="doc-fields" role="list" ref={list} onKeyDown={onKeyDown}>
        {fields.map(([name, value]) => <FieldRow key={name} name={name} value={value} />)}
        {fields.length === 0 && <p class="note">Nothing in this document matches.</p>}
      </div>
    </>
  );
}

/** The values of a field that a filter can name: itself, or the members of an array. */
const filterable = (value: Value): Scalar[] => (Array.isArray(value) ? (value as readonly Value[]) : [value]).filter((v): v is Scalar => typeof v !== "object" || v === null);

function FieldRow({ name, value }: { name: string; value: Value }) {
  const text = valueText(value);
  const full = fullValues.value.has(name);
  const isColumn = columns.value.includes(name);
  const scalars = filterable(value);
  const single = scalars.length === 1 && scalars[0] !== undefined ? scalars[0] : undefined;
  const canFilter = single !== undefined && name !== "_id";
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "f" && canFilter) filterValue(name, single, "for");
    else if (event.key === "x" && canFilter) filterValue(name, single, "out");
    else if (event.key === "c") void copyText(text, name);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="doc-field" role="listitem" tabIndex={0} onKeyDown={onKeyDown} data-field={name}>
      <div class="doc-name"><TypeBadge types={[typeOf(value)]} /><span>{name}</span></div>
      <div class="doc-value">
        <LogText text={full || text.length <= VALUE_MAX_CHARS ? text : text.slice(0, VALUE_MAX_CHARS)} pattern={name === "message" ? marks.value : undefined} />
        {!full && text.length > VALUE_MAX_CHARS && (
          <button type="button" class="link-button" onClick={() => (fullValues.value = new Set([...fullValues.value, name]))}>… show all {text.length.toLocaleString("en-US")} characters</button>
        )}
      </div>
      <div class="doc-actions">
        {canFilter && <button type="button" class="icon-button" title="Filter for  f" aria-label={`Filter for ${name} ${short}`} onClick={() => filterValue(name, single, "for")}><Icon name="plus" /></button>}
        {canFilter && <button type="button" class="icon-button" title="Filter out  x" aria-label={`Filter out ${name} ${short}`} onClick={() => filterValue(name, single, "out")}><Icon name="minus" /></button>}
        <button type="button" class={`icon-button${isColumn ? " on" : ""}`} aria-pressed={isColumn} title="Column" aria-label={`Column ${name}`} onClick={() => toggleColumn(name)}><Icon name="column" /></button>
        <button type="button" class="icon-button" title="Copy the value  c" aria-label={`Copy ${name}`} onClick={() => void copyText(text, name)}><Icon name="copy" /></button>
      </div>
    </div>
  );
}
