// Log text on the page: always text nodes, never HTML. ANSI colours become classes, searched words are marked.

import { ansiRuns, hasAnsi } from "../core/ansi";
import { markPieces } from "../core/marks";

export function LogText({ text, pattern }: { text: string; pattern: RegExp | undefined }) {
  if (!hasAnsi(text)) return <Marked text={text} pattern={pattern} />;
  return (
    <>
      {ansiRuns(text).map((run, i) => (
        <span key={i} class={run.classes}>
          <Marked text={run.text} pattern={pattern} />
        </span>
      ))}
    </>
  );
}

function Marked({ text, pattern }: { text: string; pattern: RegExp | undefined }) {
  if (!pattern) return <>{text}</>;
  return (
    <>{markPieces(text, pattern).map((piece, i) => (piece.marked ? <mark key={i}>{piece.text}</mark> : piece.text))}</>
  );
}
