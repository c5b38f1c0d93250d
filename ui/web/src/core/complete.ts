// Completion: what the caret stands in (a field name, a value, a command), and what choosing a proposal does to the text.

import { quoteField, quoteString } from "./query";
import { tokenize } from "./tokens";

export type Completing =
  | { readonly kind: "field"; readonly prefix: string; readonly start: number; readonly end: number }
  | {
      readonly kind: "value";
      readonly field: string;
      readonly prefix: string;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: "command"; readonly prefix: string; readonly start: number; readonly end: number }
  | { readonly kind: "argument"; readonly prefix: string; readonly start: number; readonly end: number };

export const COMMANDS: readonly { readonly name: string; readonly example: string }[] = [
  { name: "stats", example: "stats count() by service" },
  { name: "top", example: "top 10 path" },
  { name: "timechart", example: "timechart span=5m count() by service" },
  { name: "rare", example: "rare 10 service" },
  { name: "sort", example: "sort by n desc" },
  { name: "limit", example: "limit 20" },
  { name: "fields", example: "fields @timestamp, message" },
  { name: "where", example: "where n > 10" },
  { name: "dedup", example: "dedup by message" },
  { name: "eval", example: "eval seconds = duration_ms / 1000" },
  { name: "extract", example: 'extract "from <ip> port <port>"' },
  { name: "rex", example: 'rex "user=(?<user>\\w+)"' },
  { name: "parse", example: "parse json" },
  { name: "rename", example: "rename host.name as host" },
];

/** What a proposal at `caret` would complete; `undefined` where nothing helps (inside a regular expression, after a gap). */
export function completingAt(text: string, caret: number): Completing | undefined {
  const tokens = tokenize(text);
  const i = tokens.findIndex((token) => token.start < caret && caret <= token.end);
  const here = tokens[i];
  const before = here ? tokens[i - 1] : tokens.findLast((token) => token.end <= caret);
  const piped = tokens.some((token) => token.kind === "pipe" && token.end <= caret);
  if (!here) {
    if (before?.kind === "pipe") return { kind: "command", prefix: "", start: caret, end: caret };
    return undefined;
  }
  const prefix = text.slice(here.start, caret);
  const span = { start: here.start, end: here.end };
  switch (here.kind) {
    case "op": {
      const field = before?.kind === "field" ? unquote(before.text) : undefined;
      if (field === undefined || !/^[:=!]/.test(here.text) || caret !== here.end) return undefined;
      return { kind: "value", field, prefix: "", start: caret, end: caret };
    }
    case "pipe":
      return { kind: "command", prefix: "", start: caret, end: caret };
    case "command":
      return { kind: "command", prefix, ...span };
    case "field":
      return { kind: piped ? "argument" : "field", prefix: unquote(prefix), ...span };
    case "word":
    case "number":
    case "string": {
      if (before?.kind === "op" && before.end === here.start) {
        const field = tokens[i - 2];
        if (field?.kind !== "field") return undefined;
        return { kind: "value", field: unquote(field.text), prefix: unquote(prefix), ...span };
      }
      if (here.kind !== "word") return undefined;
      return { kind: piped ? "argument" : "field", prefix, ...span };
    }
    default:
      return undefined;
  }
}

const unquote = (text: string): string =>
  text
    .replace(/^["'`]/, "")
    .replace(/["'`]$/, "")
    .replace(/\\(.)/g, "$1");

/** The text after a proposal was taken, and where the caret then stands. */
export function applyCompletion(text: string, at: Completing, choice: string): { text: string; caret: number } {
  const insert = insertionOf(at, choice, text.charAt(at.end));
  return { text: text.slice(0, at.start) + insert + text.slice(at.end), caret: at.start + insert.length };
}

function insertionOf(at: Completing, choice: string, next: string): string {
  switch (at.kind) {
    case "field":
      return quoteField(choice) + (/^[:=!<>]/.test(next) ? "" : ":");
    case "value":
      return (
        (/^[\p{L}\p{N}_.\-]+$/u.test(choice) && !/^(?:and|or|not)$/i.test(choice) ? choice : quoteString(choice)) +
        (next === "" ? " " : "")
      );
    case "argument":
      return quoteField(choice);
    case "command":
      return (at.start === at.end ? " " : "") + choice + " ";
  }
}

/** Field names for a prefix: those that start with it, then those with a part that does, then those that hold it. */
export function rankFields(names: readonly string[], prefix: string, max: number): string[] {
  const wanted = prefix.toLowerCase();
  const rank = (name: string): number => {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) return 0;
    if (lower.includes(`.${wanted}`)) return 1;
    return lower.includes(wanted) ? 2 : 3;
  };
  return names
    .map((name, order) => ({ name, order, rank: rank(name) }))
    .filter((entry) => entry.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.order - b.order)
    .slice(0, max)
    .map((entry) => entry.name);
}
