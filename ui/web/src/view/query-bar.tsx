// The query bar: editor, proposals, recent queries, and the explanation of an error under its place.

import { effect, signal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";

import { applyCompletion } from "../core/complete";
import { errorSpan } from "../core/query";
import { forgetQueries, recentQueries } from "../state/prefs";
import { cancel, error, loading } from "../state/search";
import { tailError } from "../state/tail";
import { search, view } from "../state/view";
import { Editor } from "./editor";
import { Icon } from "./icons";
import { active, closeProposals, propose, proposeRecent, proposals } from "./proposals";

/** What stands in the editor; it becomes the query when it is run. */
const draft = signal(view.peek().q);
effect(() => {
  draft.value = view.value.q;
});

/** The editor's element id, for the `/` key. */
export const QUERY_INPUT_ID = "query-input";

export function QueryBar() {
  const input = useRef<HTMLTextAreaElement>(null);
  const [left, setLeft] = useState(0);
  const failure = queryError();
  const open = proposals.value;

  const run = (): void => {
    closeProposals();
    search(draft.value);
  };
  const edit = (text: string, caret: number): void => {
    draft.value = text;
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(caret, caret);
    });
  };
  const accept = (index: number): void => {
    const item = open?.items[index];
    if (!open || !item) return;
    if (open.kind === "recent") {
      draft.value = item.text;
      run();
      return;
    }
    const next = applyCompletion(draft.value, open.at, item.text);
    closeProposals();
    edit(next.text, next.caret);
    if (open.at.kind === "field") propose(next.text, next.caret);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const count = open?.items.length ?? 0;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (open && active.value >= 0) accept(active.value);
      else run();
    } else if (event.key === "Tab" && !event.shiftKey && open?.kind === "completing" && count > 0) {
      event.preventDefault();
      accept(Math.max(0, active.value));
    } else if (event.key === "ArrowDown" && (count > 0 || draft.value === "")) {
      event.preventDefault();
      if (count === 0) proposeRecent();
      else active.value = (active.value + 1) % count;
    } else if (event.key === "ArrowUp" && count > 0) {
      event.preventDefault();
      active.value = active.value <= 0 ? count - 1 : active.value - 1;
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (open) closeProposals();
      else input.current?.blur();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      propose(draft.value, input.current?.selectionStart ?? draft.value.length);
    }
  };
  return (
    <form class="query-bar" role="search" onSubmit={(event) => { event.preventDefault(); run(); }}>
      <div class={`query-box${failure ? " has-error" : ""}`} id={QUERY_INPUT_ID}>
        <Icon name="search" />
        <Editor
          inputRef={input}
          text={draft.value}
          error={failure?.span}
          anchor={open?.kind === "completing" ? open.at.start : undefined}
          onAnchor={setLeft}
          activeOption={open && active.value >= 0 ? `proposal-${active.value}` : undefined}
          onInput={(text, caret) => { draft.value = text; propose(text, caret); }}
          onCaret={(caret) => { if (proposals.value?.kind === "completing") propose(draft.value, caret); }}
          onKeyDown={onKeyDown}
          onBlur={closeProposals}
        />
        {draft.value !== "" && (
          <button type="button" class="icon-button" title="Clear the query" aria-label="Clear the query"
            onClick={() => { draft.value = ""; edit("", 0); }}>
            <Icon name="close" />
          </button>
        )}
        <button type="button" class="icon-button" title="Recent queries" aria-label="Recent queries"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => { input.current?.focus(); if (open?.kind === "recent") closeProposals(); else proposeRecent(); }}>
          <Icon name="history" />
        </button>
        <ProposalList left={open?.kind === "completing" ? left : 0} accept={accept} />
        {failure && <ErrorUnderQuery {...failure} />}
      </div>
      {loading.value
        ? <button type="button" class="button primary" onClick={cancel}>Cancel</button>
        : <button type="submit" class="button primary">Search</button>}
    </form>
  );
}

/** The error of the query that stands in the editor, if the collector refused that very text. */
function queryError() {
  const failure = view.value.live ? tailError.value : error.value;
  if (!failure || failure.status !== 400 || draft.value !== view.value.q) return undefined;
  const span = failure.place ? errorSpan(draft.value, failure.place.offset, failure.place.length) : undefined;
  return { span, message: failure.message, hint: failure.hint };
}

function ErrorUnderQuery({ span, message, hint }: NonNullable<ReturnType<typeof queryError>>) {
  return (
    <div class="query-error" id="query-error" role="alert">
      {span && <pre class="query-error-place">{caretLines(draft.value, span)}</pre>}
      <p><strong>{message}</strong>{hint && <span class="query-error-hint"> {hint}</span>}</p>
    </div>
  );
}

/** The line of the query that is wrong, and carets under the place. */
function caretLines(text: string, span: { start: number; end: number }): string {
  const lineStart = text.lastIndexOf("\n", span.start - 1) + 1;
  const lineEnd = text.indexOf("\n", span.start) < 0 ? text.length : text.indexOf("\n", span.start);
  const width = Math.max(1, Math.min(span.end, Math.max(lineEnd, span.start + 1)) - span.start);
  return `${text.slice(lineStart, lineEnd)}\n${" ".repeat(Math.max(0, span.start - lineStart))}${"^".repeat(width)}`;
}

function ProposalList({ left, accept }: { left: number; accept(index: number): void }) {
  const open = proposals.value;
  if (!open) return <ul id="proposals" role="listbox" aria-label="Proposals" hidden />;
  return (
    <div class="proposals" style={{ left: `${Math.round(left)}px` }}>
      <ul id="proposals" role="listbox" aria-label={open.kind === "recent" ? "Recent queries" : "Proposals"}>
        {open.items.map((item, i) => (
          <li key={item.text} id={`proposal-${i}`} role="option" aria-selected={i === active.value}
            onMouseDown={(event) => { event.preventDefault(); accept(i); }}>
            <span class="proposal-text">{item.text}</span>
            <span class="proposal-note">{item.note}</span>
          </li>
        ))}
      </ul>
      <p class="proposals-foot">
        {open.kind === "recent"
          ? recentQueries.value.length > 0 && <button type="button" class="link-button" onMouseDown={(event) => { event.preventDefault(); forgetQueries(); closeProposals(); }}>Forget all</button>
          : <><kbd>Tab</kbd> takes the first, <kbd>↓</kbd> chooses, <kbd>Enter</kbd> searches</>}
      </p>
    </div>
  );
}
