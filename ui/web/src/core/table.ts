// The table of a `| stats` query: order of its cells, and which of its columns are fields that one can filter on.

import type { Scalar } from "./doc";
import { splitPipes } from "./query";
import { tokenize } from "./tokens";

/** Numbers by value, text by code unit, nothing last. */
export function compareCells(a: Scalar, b: Scalar): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [x, y] = [String(a), String(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The language's short names: a table names its columns in full. */
const ALIASES = new Map([
  ["level", "log.level"],
  ["severity", "log.level"],
  ["service", "service.name"],
  ["host", "host.name"],
  ["hostname", "host.name"],
  ["path", "log.file.path"],
  ["trace_id", "trace.id"],
  ["span_id", "span.id"],
]);

/** The field behind a column, when the pipes group by it (`by service`, `top 10 path`); a computed column has none. */
export function filterColumn(query: string, column: string): string | undefined {
  const { pipes } = splitPipes(query);
  let grouping = false;
  for (const token of tokenize(pipes)) {
    if (token.kind === "command") grouping = ["top", "rare"].includes(token.text.toLowerCase());
    else if (token.kind === "pipe") grouping = false;
    else if (token.kind === "keyword" && token.text.toLowerCase() === "by") grouping = true;
    else if (grouping && (token.kind === "word" || token.kind === "string")) {
      const name = token.text.replace(/^["'`]|["'`]$/g, "");
      if (name === column || ALIASES.get(name) === column) return column;
    }
  }
  return undefined;
}
