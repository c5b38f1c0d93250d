// ANSI escapes in log text: colours become spans with a class, every other sequence is taken out. No HTML is built here.

export interface Run {
  readonly text: string;
  /** Class names such as `ansi-31 ansi-bold`, or empty. */
  readonly classes: string;
}

// CSI … final byte; OSC … BEL or ST; other two-byte escapes. The body of a sequence is bounded so that a stray ESC
// can't swallow a long line.
const ESCAPE = /\u001b(?:\[([0-?]{0,64})[ -/]{0,8}([@-~])|\][^\u0007\u001b]{0,512}(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Whether a text has anything for `ansiRuns` to do. */
export const hasAnsi = (text: string): boolean => text.includes("\u001b");

/** The text in runs of one look each. */
export function ansiRuns(text: string): Run[] {
  const runs: Run[] = [];
  const style = { colour: "", bold: false };
  let from = 0;
  const add = (to: number): void => {
    if (to <= from) return;
    const classes = [style.colour, style.bold ? "ansi-bold" : ""].filter((c) => c !== "").join(" ");
    runs.push({ text: text.slice(from, to), classes });
  };
  for (const match of text.matchAll(ESCAPE)) {
    add(match.index);
    from = match.index + match[0].length;
    if (match[2] === "m") applySgr(style, match[1] ?? "");
  }
  add(text.length);
  return runs;
}

function applySgr(style: { colour: string; bold: boolean }, parameters: string): void {
  const codes = parameters.split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] ?? 0;
    if (code === 0) Object.assign(style, { colour: "", bold: false });
    else if (code === 1) style.bold = true;
    else if (code === 22) style.bold = false;
    else if (code >= 30 && code <= 37) style.colour = `ansi-${code}`;
    else if (code >= 90 && code <= 97) style.colour = `ansi-${code - 60}`;
    else if (code === 39) style.colour = "";
    else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4; // 256 and true colours are skipped
  }
}
