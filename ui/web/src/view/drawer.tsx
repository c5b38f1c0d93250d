// One document, whole: every field with its type and what can be done with it, or the JSON as it is stored.

import { signal } from "@preact/signals";

import { levelOfDoc, sortedFields, timestampOf, type Doc } from "../core/doc";
import { fixedRange, formatExact } from "../core/time";
import { formatView } from "../core/url";
import { range } from "../state/search";
import { activeRows, closeDoc, currentIndex, move, openDoc, openError, showAround } from "../state/selection";
import { view } from "../state/view";
import { DocumentFields } from "./document-fields";
import { IconButton } from "./icon-button";
import { LIST_ID } from "./list";
import { copyText } from "./notify";

const tab = signal<"fields" | "json">("fields");

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
      {doc && (tab.value === "fields" ? <DocumentFields doc={doc} /> : <Json doc={doc} />)}
      {!doc && !failure && <p class="note">Fetching the document…</p>}
      {failure === "gone" && (
        <p class="note">This document is no longer there: it may have passed the retention time.</p>
      )}
      {failure && failure !== "gone" && (
        <p class="note bad" role="alert">
          {failure.message}
        </p>
      )}
    </aside>
  );
}

function Head({ doc }: { doc: Doc | undefined }) {
  return (
    <header class="drawer-head">
      {doc && (
        <div class="drawer-title">
          <span class={`level-tag level-${levelOfDoc(doc)}`}>
            {levelOfDoc(doc) === "none" ? "document" : levelOfDoc(doc)}
          </span>
          <time dateTime={timestampOf(doc)}>{formatExact(timestampOf(doc), view.value.tz)}</time>
        </div>
      )}
      <Tools doc={doc} />
    </header>
  );
}

function Tools({ doc }: { doc: Doc | undefined }) {
  const at = currentIndex();
  const last = activeRows.value.count - 1;
  const around = "Lines of the same source around this one";
  return (
    <div class="drawer-tools">
      <div class="segmented" role="group" aria-label="How to show the document">
        <button type="button" aria-pressed={tab.value === "fields"} onClick={() => (tab.value = "fields")}>
          Fields
        </button>
        <button type="button" aria-pressed={tab.value === "json"} onClick={() => (tab.value = "json")}>
          JSON
        </button>
      </div>
      <IconButton icon="up" title="Newer  ←" label="Previous document" disabled={at <= 0} onClick={() => move(-1)} />
      <IconButton
        icon="down"
        title="Older  →"
        label="Next document"
        disabled={at < 0 || at >= last}
        onClick={() => move(1)}
      />
      <IconButton
        icon="around"
        title={`${around}  a`}
        label={around}
        disabled={!doc}
        onClick={() => doc && showAround(doc)}
      />
      <IconButton
        icon="copy"
        title="Copy as JSON  c"
        label="Copy as JSON"
        disabled={!doc}
        onClick={() => doc && void copyText(JSON.stringify(doc, null, 2), "Document")}
      />
      <IconButton
        icon="link"
        title="Copy a link  y"
        label="Copy a link to this document"
        onClick={() => void copyLink()}
      />
      <IconButton icon="close" title="Close  Esc" label="Close the document" onClick={closeAndReturn} />
    </div>
  );
}

function Json({ doc }: { doc: Doc }) {
  const text = JSON.stringify(Object.fromEntries(sortedFields(doc)), null, 2);
  return (
    <pre class="drawer-json" tabIndex={0} aria-label="Document as JSON">
      {text}
    </pre>
  );
}
