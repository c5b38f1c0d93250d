// Where the searched words stand in a text, so that a row can mark them.

export interface Piece {
  readonly text: string;
  readonly marked: boolean;
}

/** More marks than this in one text help nobody. */
const MAX_MARKS = 200;

/** A pattern for these words (already lower case), or `undefined` for none. Compile once per query, use for every row. */
export function markPattern(words: readonly string[]): RegExp | undefined {
  if (words.length === 0) return undefined;
  const longestFirst = [...words].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((w) => w.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|"), "giu");
}

/** The text cut into marked and plain pieces. */
export function markPieces(text: string, pattern: RegExp | undefined): Piece[] {
  if (!pattern) return [{ text, marked: false }];
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (pieces.length > 2 * MAX_MARKS) break;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), marked: false });
    pieces.push({ text: match[0], marked: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), marked: false });
  return pieces;
}
