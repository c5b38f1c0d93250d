// Edits of a query's text: the filter part and the pipes apart, filters added and taken back, the words to mark
// in the rows, and the place of an error. The collector parses for real; these keep what the user wrote.

import type { Doc, Scalar } from "./doc";
import { tokenize, type Token } from "./tokens";

/** Commands that turn rows into a table. */
const TABLE_COMMANDS: ReadonlySet<string> = new Set(["stats", "top", "rare", "timechart"]);

/** A name that needs no quotes: it begins like a word and doesn't end in punctuation. */
const PLAIN_FIELD = /^[\p{L}_@][\p{L}\p{N}_@.\-]*(?<=[\p{L}\p{N}_])$/u;
const RESERVED: ReadonlySet<string> = new Set(["and", "or", "not", "in", "to"]);

export interface SplitQuery {
  /** What selects documents. */
  readonly filter: string;
  /** From the first `|` on, or empty. */
  readonly pipes: string;
}

/** Splits at the first pipe; `||`, quoted bars and bars in a regular expression are none. */
export function splitPipes(query: string): SplitQuery {
  const pipe = tokenize(query).find((token) => token.kind === "pipe");
  if (!pipe) return { filter: query.trim(), pipes: "" };
  return { filter: query.slice(0, pipe.start).trim(), pipes: query.slice(pipe.start).trim() };
}

/** Whether the answer of a query is a table and not rows. */
export function producesTable(query: string): boolean {
  return tokenize(query).some((token) => token.kind === "command" && TABLE_COMMANDS.has(token.text.toLowerCase()));
}

/** A field name as it is written in a query. */
export function quoteField(name: string): string {
  return PLAIN_FIELD.test(name) && !RESERVED.has(name.toLowerCase()) ? name : quoteString(name);
}

/** A string as it is written in a query. */
export function quoteString(value: string): string {
  const escaped = value
    .replace(/[\\"]/g, (c) => `\\${c}`)
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r")
    .replace(/\t/g, "\\t");
  return `"${escaped}"`;
}

/** The condition that a field has exactly this value. */
export function equalsTerm(field: string, value: Scalar): string {
  if (value === null) return `NOT ${quoteField(field)}:*`;
  return `${quoteField(field)}=${typeof value === "string" ? quoteString(value) : String(value)}`;
}

const negate = (term: string): string => (term.startsWith("NOT ") ? term.slice(4) : `NOT ${term}`);

/** The query for the lines of the same source as a document: its host and file, or the nearest to it that is known. */
export function sourceQuery(doc: Doc): string {
  const origin = ["log.file.path", "container.id", "service.name"].find((field) => typeof doc[field] === "string");
  return ["host.name", origin]
    .flatMap((field) => (field !== undefined && typeof doc[field] === "string" ? [equalsTerm(field, doc[field])] : []))
    .join(" ");
}

/** Adds `field=value` or its negation; takes the opposite out if it is there, and adds nothing twice. */
export function addFilter(query: string, field: string, value: Scalar, mode: "for" | "out"): string {
  const term = equalsTerm(field, value);
  return addTerm(query, mode === "for" ? term : negate(term));
}

/** Adds a condition with AND in front of the pipes. */
export function addTerm(query: string, term: string): string {
  const { filter, pipes } = splitPipes(query);
  const cleaned = removeTerm(filter, negate(term));
  let next: string;
  if (hasTerm(cleaned, term)) next = cleaned;
  else if (cleaned === "" || cleaned === "*") next = term;
  else next = `${hasTopLevelOr(cleaned) ? `(${cleaned})` : cleaned} ${term}`;
  return pipes === "" ? next : `${next} ${pipes}`.trim();
}

/** Where `term` stands on its own in the outermost AND of `filter`: not inside parentheses or longer words. */
function findTerm(filter: string, term: string): number {
  if (hasTopLevelOr(filter)) return -1;
  const tokens = tokenize(filter);
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (depth === 0 && filter.startsWith(term, token.start) && !isNegated(tokens, i)) {
      const after = filter.charAt(token.start + term.length);
      if (after === "" || /\s/.test(after)) return token.start;
    }
    if (token.kind === "paren") depth += "([{".includes(token.text) ? 1 : token.text === "," ? 0 : -1;
  }
  return -1;
}

function isNegated(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1];
  return before !== undefined && before.kind === "keyword" && ["not", "-", "!"].includes(before.text.toLowerCase());
}

const hasTerm = (filter: string, term: string): boolean => findTerm(filter, term) >= 0;

function removeTerm(filter: string, term: string): string {
  const at = findTerm(filter, term);
  if (at < 0) return filter;
  const before = filter
    .slice(0, at)
    .trimEnd()
    .replace(/(?:^|\s)and$/i, "");
  const after = filter.slice(at + term.length).trimStart();
  const rest = before === "" ? after.replace(/^and\s+/i, "") : after;
  return `${before} ${rest}`.trim();
}

/** Whether an OR stands outside all parentheses: then a further condition needs them. */
export function hasTopLevelOr(filter: string): boolean {
  let depth = 0;
  for (const token of tokenize(filter)) {
    if (token.kind === "paren") depth += "([{".includes(token.text) ? 1 : token.text === "," ? 0 : -1;
    else if (depth === 0 && token.kind === "keyword" && (token.text.toLowerCase() === "or" || token.text === "||"))
      return true;
  }
  return false;
}

/** The words and phrases that rows should mark: those searched in the message and not negated. */
export function markedWords(query: string): string[] {
  const { filter } = splitPipes(query);
  const tokens = tokenize(filter);
  const words = new Set<string>();
  for (const [i, token] of tokens.entries()) {
    const before = tokens[i - 1];
    if (before?.kind === "op") {
      const field = tokens[i - 2]?.text.toLowerCase();
      if (before.text !== ":" || (field !== "message" && field !== "msg") || isNegated(tokens, i - 2)) continue;
    } else if (isNegated(tokens, i)) continue;
    const word = searchedText(token);
    if (word.length > 1) words.add(word.toLowerCase());
  }
  return [...words];
}

function searchedText(token: Token): string {
  if (token.kind === "string") return token.text.replace(/^["'`]|["'`]$/g, "").replace(/\\(.)/g, "$1");
  if (token.kind === "word" || token.kind === "number")
    return token.text.replace(/[*?].*$/, "").replace(/\\(.)/g, "$1");
  return "";
}

/** An offset in UTF-8 bytes, which the collector counts in, as an index into a JavaScript string. */
export function byteOffsetToIndex(text: string, offsetBytes: number): number {
  let bytes = 0;
  let index = 0;
  for (const char of text) {
    if (bytes >= offsetBytes) break;
    const code = char.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    index += char.length;
  }
  return index;
}

/** The part of a text that an error points at, as indices: at least one character wide, inside the text or just after it. */
export function errorSpan(text: string, offsetBytes: number, lengthBytes: number): { start: number; end: number } {
  const start = byteOffsetToIndex(text, offsetBytes);
  const end = byteOffsetToIndex(text, offsetBytes + Math.max(0, lengthBytes));
  return { start, end: Math.max(end, start + 1) };
}
