// The fields of the open document, each with its type and what can be done with its value.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import { cutText, idOf, sortedFields, typeOf, valueText, type Doc, type Scalar, type Value } from "../core/doc";
import { formatCount } from "../core/format";
import { marks } from "../state/search";
import { columns, filterValue, toggleColumn } from "../state/view";
import { IconButton } from "./icon-button";
import { LogText } from "./message";
import { copyText } from "./notify";
import { TypeBadge } from "./sidebar";

/** A value longer than this is shown in part until asked for. */
const VALUE_MAX_CHARS = 20_000;
/** As much of a value goes into the name of its buttons. */
const NAMED_MAX_CHARS = 40;

const filter = signal("");

export function DocumentFields({ doc }: { doc: Doc }) {
  const list = useRef<HTMLDivElement>(null);
  const wanted = filter.value.trim().toLowerCase();
  const fields = sortedFields(doc).filter(
    ([name, value]) =>
      wanted === "" || name.toLowerCase().includes(wanted) || valueText(value).toLowerCase().includes(wanted),
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
        <input
          type="search"
          placeholder="Filter fields and values"
          aria-label="Filter fields and values"
          spellcheck={false}
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
      </div>
      <div class="doc-fields" role="list" ref={list} onKeyDown={onKeyDown}>
        {fields.map(([name, value]) => (
          <FieldRow key={`${idOf(doc)} ${name}`} name={name} value={value} />
        ))}
        {fields.length === 0 && <p class="note">Nothing in this document matches.</p>}
      </div>
    </>
  );
}

/** The one value that a filter on the field can name: itself, or the only member of an array. */
function filterable(name: string, value: Value): Scalar | undefined {
  if (name === "_id") return undefined;
  const only = Array.isArray(value) && value.length === 1 ? (value as readonly Value[])[0] : value;
  return only === null || typeof only !== "object" ? only : undefined;
}

interface FieldProps {
  name: string;
  value: Value;
}

function FieldRow({ name, value }: FieldProps) {
  const only = filterable(name, value);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "f" && only !== undefined) filterValue(name, only, "for");
    else if (event.key === "x" && only !== undefined) filterValue(name, only, "out");
    else if (event.key === "c") void copyText(valueText(value), name);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="doc-field" role="listitem" tabIndex={0} onKeyDown={onKeyDown} data-field={name}>
      <div class="doc-name">
        <TypeBadge types={[typeOf(value)]} />
        <span>{name}</span>
      </div>
      <FieldValue name={name} value={value} />
      <FieldActions name={name} value={value} />
    </div>
  );
}

function FieldValue({ name, value }: FieldProps) {
  const [whole, setWhole] = useState(false);
  const text = valueText(value);
  const cut = !whole && text.length > VALUE_MAX_CHARS;
  return (
    <div class="doc-value">
      <LogText
        text={cut ? cutText(text, VALUE_MAX_CHARS) : text}
        pattern={name === "message" ? marks.value : undefined}
      />
      {cut && (
        <button type="button" class="link-button" onClick={() => setWhole(true)}>
          show all {formatCount(text.length)} characters
        </button>
      )}
    </div>
  );
}

function FieldActions({ name, value }: FieldProps) {
  const only = filterable(name, value);
  const text = valueText(value);
  const named = `${name} ${cutText(text, NAMED_MAX_CHARS)}`;
  return (
    <div class="doc-actions">
      {only !== undefined && (
        <>
          <IconButton
            icon="plus"
            title="Filter for  f"
            label={`Filter for ${named}`}
            onClick={() => filterValue(name, only, "for")}
          />
          <IconButton
            icon="minus"
            title="Filter out  x"
            label={`Filter out ${named}`}
            onClick={() => filterValue(name, only, "out")}
          />
        </>
      )}
      <IconButton
        icon="column"
        title="Column"
        label={`Column ${name}`}
        pressed={columns.value.includes(name)}
        onClick={() => toggleColumn(name)}
      />
      <IconButton
        icon="copy"
        title="Copy the value  c"
        label={`Copy ${name}`}
        onClick={() => void copyText(text, name)}
      />
    </div>
  );
}
