// The query as it is typed: a plain textarea over a tinted copy of its text. The copy gives the colours, the
// underline of an error and the place for the proposals; the textarea keeps everything that browsers do well.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { RefObject } from "preact";

import { tokenize } from "../core/tokens";

interface EditorProps {
  inputRef: RefObject<HTMLTextAreaElement | null>;
  text: string;
  error: { start: number; end: number } | undefined;
  /** Where the proposals belong, as an index into the text; they are told the place in pixels. */
  anchor: number | undefined;
  onAnchor(leftPx: number): void;
  activeOption: string | undefined;
  onInput(text: string, caret: number): void;
  onCaret(caret: number): void;
  onKeyDown(event: KeyboardEvent): void;
  onBlur(): void;
}

export function Editor(props: EditorProps) {
  const { inputRef, text, anchor, onAnchor } = props;
  const copy = useRef<HTMLPreElement>(null);

  useLayoutEffect(() => {
    if (anchor === undefined || !copy.current) return;
    onAnchor(leftOf(copy.current, anchor));
  }, [anchor, text]);

  const caret = (event: Event): number => (event.currentTarget as HTMLTextAreaElement).selectionStart;
  return (
    <div class="editor">
      <pre class="editor-copy" aria-hidden="true" ref={copy}>
        {tinted(text, props.error)}
        {"\n"}
      </pre>
      <textarea
        ref={inputRef}
        class="editor-input"
        rows={1}
        value={text}
        placeholder="Search, e.g.  level:error  “connection refused”  status>=500  | top 10 service"
        aria-label="Query"
        aria-autocomplete="list"
        aria-controls="proposals"
        aria-activedescendant={props.activeOption}
        aria-invalid={props.error !== undefined}
        aria-describedby={props.error ? "query-error" : undefined}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        onInput={(event) => props.onInput(event.currentTarget.value, caret(event))}
        onClick={(event) => props.onCaret(caret(event))}
        onKeyUp={(event) => {
          if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) props.onCaret(caret(event));
        }}
        onKeyDown={props.onKeyDown}
        onBlur={props.onBlur}
      />
    </div>
  );
}

/** How far right a character of the tinted copy stands. */
function leftOf(copy: HTMLElement, index: number): number {
  const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  let rest = index;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.textContent?.length ?? 0;
    if (rest <= length) {
      const range = document.createRange();
      range.setStart(node, rest);
      range.setEnd(node, rest);
      return range.getBoundingClientRect().left - copy.getBoundingClientRect().left;
    }
    rest -= length;
  }
  return 0;
}

function tinted(text: string, error: { start: number; end: number } | undefined) {
  const pieces = [];
  let from = 0;
  const add = (end: number, kind: string): void => {
    // An error may begin and end inside a token: cut there.
    const cuts = error ? [error.start, error.end].filter((cut) => cut > from && cut < end) : [];
    for (const to of [...cuts, end]) {
      const wrong = error !== undefined && from >= error.start && from < error.end;
      if (to > from)
        pieces.push(
          <span key={from} class={`${kind}${wrong ? " wrong" : ""}`}>
            {text.slice(from, to)}
          </span>,
        );
      from = to;
    }
  };
  for (const token of tokenize(text)) {
    add(token.start, "");
    add(token.end, `t-${token.kind}`);
  }
  add(text.length, "");
  if (error && error.start >= text.length)
    pieces.push(
      <span key="end" class="wrong">
        {" "}
      </span>,
    );
  return pieces;
}
