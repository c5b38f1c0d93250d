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
import { IconButton } from "./icon-button";
import { Icon } from "./icons";
import { active, closeProposals, propose, proposeRecent, proposals } from "./proposals";

/** What stands in the editor; it becomes the query when it is run. */
const draft = signal(view.peek().q);
effect(() => {
  draft.value = view.value.q;
});

/** The editor's element id, for the `/` key. */
export const QUERY_INPUT_ID = "query-input";

function run(): void {
  closeProposals();
  search(draft.value);
}

/** Replaces the text and puts the caret where typing goes on, once the text is on the page. */
function edit(input: HTMLTextAreaElement | null, text: string, caret: number): void {
  draft.value = text;
  requestAnimationFrame(() => {
    input?.focus();
    input?.setSelectionRange(caret, caret);
  });
}

/** Takes a proposal: a recent query runs at once, a completion is put in its place. */
function accept(input: HTMLTextAreaElement | null, index: number): void {
  const open = proposals.peek();
  const item = open?.items[index];
  if (!open || !item) return;
  if (open.kind === "recent") {
    draft.value = item.text;
    run();
    return;
  }
  const next = applyCompletion(draft.value, open.at, item.text);
  closeProposals();
  edit(input, next.text, next.caret);
  if (open.at.kind === "field") propose(next.text, next.caret);
}

/** What a key does in the editor; keys that do nothing special are typed. */
function actionOf(event: KeyboardEvent, input: HTMLTextAreaElement | null): (() => void) | undefined {
  const open = proposals.peek();
  const count = open?.items.length ?? 0;
  switch (event.key) {
    case "Enter":
      if (event.shiftKey) return undefined;
      return open && active.peek() >= 0 ? () => accept(input, active.peek()) : run;
    case "Tab":
      if (event.shiftKey || open?.kind !== "completing") return undefined;
      return () => accept(input, Math.max(0, active.peek()));
    case "ArrowDown":
      if (count > 0) return () => (active.value = (active.peek() + 1) % count);
      return draft.peek() === "" ? () => proposeRecent() : undefined;
    case "ArrowUp":
      return count > 0 ? () => (active.value = active.peek() <= 0 ? count - 1 : active.peek() - 1) : undefined;
    case "Escape":
      return open ? closeProposals : () => input?.blur();
    case " ":
      return event.ctrlKey ? () => propose(draft.peek(), input?.selectionStart ?? draft.peek().length) : undefined;
    default:
      return undefined;
  }
}

function onKeyDown(event: KeyboardEvent): void {
  const action = actionOf(event, event.target instanceof HTMLTextAreaElement ? event.target : null);
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

export function QueryBar() {
  const input = useRef<HTMLTextAreaElement>(null);
  const [left, setLeft] = useState(0);
  const failure = queryError();
  const open = proposals.value;
  const completing = open?.kind === "completing" ? open : undefined;
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    run();
  };
  const toggleRecent = (): void => {
    input.current?.focus();
    if (open?.kind === "recent") closeProposals();
    else proposeRecent();
  };
  return (
    <form class="query-bar" role="search" onSubmit={onSubmit}>
      <div class={failure ? "query-box has-error" : "query-box"} id={QUERY_INPUT_ID}>
        <Icon name="search" />
        <Editor
          inputRef={input}
          text={draft.value}
          error={failure?.span}
          anchor={completing?.at.start}
          onAnchor={setLeft}
          activeOption={open && active.value >= 0 ? `proposal-${active.value}` : undefined}
          onInput={(text, caret) => {
            draft.value = text;
            propose(text, caret);
          }}
          onCaret={(caret) => {
            if (completing) propose(draft.value, caret);
          }}
          onKeyDown={onKeyDown}
          onBlur={closeProposals}
        />
        {draft.value !== "" && (
          <IconButton icon="close" label="Clear the query" onClick={() => edit(input.current, "", 0)} />
        )}
        <IconButton icon="history" label="Recent queries" keepFocus onClick={toggleRecent} />
        <ProposalList left={completing ? left : 0} accept={(index) => accept(input.current, index)} />
        {failure && <ErrorUnderQuery {...failure} />}
      </div>
      <SearchButton />
    </form>
  );
}

function SearchButton() {
  if (!loading.value) return <button class="button primary">Search</button>;
  return (
    <button type="button" class="button primary" onClick={cancel}>
      Cancel
    </button>
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
      <p>
        <strong>{message}</strong>
        {hint && <span class="query-error-hint"> {hint}</span>}
      </p>
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
          <li
            key={item.text}
            id={`proposal-${i}`}
            role="option"
            aria-selected={i === active.value}
            onMouseDown={(event) => {
              event.preventDefault();
              accept(i);
            }}
          >
            <span class="proposal-text">{item.text}</span>
            <span class="proposal-note">{item.note}</span>
          </li>
        ))}
      </ul>
      <p class="proposals-foot">
        {open.kind === "recent" ? (
          recentQueries.value.length > 0 && (
            <button
              type="button"
              class="link-button"
              onMouseDown={(event) => {
                event.preventDefault();
                forgetQueries();
                closeProposals();
              }}
            >
              Forget all
            </button>
          )
        ) : (
          <>
            <kbd>Tab</kbd> takes the first, <kbd>↓</kbd> chooses, <kbd>Enter</kbd> searches
          </>
        )}
      </p>
    </div>
  );
}
