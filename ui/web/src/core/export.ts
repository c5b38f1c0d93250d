// Rows as files: NDJSON and CSV.

import { valueText, type Doc } from "./doc";

export const toNdjson = (docs: readonly Doc[]): string => docs.map((doc) => `${JSON.stringify(doc)}\n`).join("");

/** CSV (RFC 4180) with these columns. A cell that a spreadsheet would run as a formula gets a quote in front. */
export function toCsv(docs: readonly Doc[], columns: readonly string[]): string {
  const lines = [columns, ...docs.map((doc) => columns.map((name) => valueText(doc[name])))];
  return lines.map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("");
}

/** What a spreadsheet may take for a formula. A bare `@name` is none: it is how we call the time. */
const FORMULA = /^[=+\-\t\r]|^@(?![\w.]+$)/;

function csvCell(text: string): string {
  const safe = FORMULA.test(text) && !/^-?\d+(?:\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
