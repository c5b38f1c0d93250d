// One log document as the API gives it: flat dotted names, `_id`, `@timestamp`; and what a row shows of it.

import { levelOf, type Level } from "./level";

export type Scalar = string | number | boolean | null;
export type Value = Scalar | readonly Value[] | { readonly [key: string]: Value };
export interface Doc {
  readonly [field: string]: Value;
}

/** The fields that name a level, first present wins: documents sent by scripts are kept as they came. */
const LEVEL_FIELDS = ["log.level", "level", "severity", "severity_text"] as const;
const SERVICE_FIELDS = ["service.name", "service", "app", "process.name", "syslog.appname"] as const;
const HOST_FIELDS = ["host.name", "host", "hostname"] as const;

/** Fields that the row already shows in another form, or that say nothing of the event. */
const NOT_IN_SUMMARY: ReadonlySet<string> = new Set(["_id", "@timestamp", ...LEVEL_FIELDS, "event.original"]);

/** A pseudo column: the service (or the file) and the host that a line comes from. */
export const SOURCE_COLUMN = "source";
export const MESSAGE_COLUMN = "message";

/** A list row never carries more characters than this into the DOM; the drawer shows the rest. */
export const ROW_TEXT_MAX_CHARS = 2_000;

const firstText = (doc: Doc, fields: readonly string[]): string => {
  for (const field of fields) {
    const value = doc[field];
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
};

export const idOf = (doc: Doc): string => (typeof doc["_id"] === "string" ? doc["_id"] : "");
export const timestampOf = (doc: Doc): string => (typeof doc["@timestamp"] === "string" ? doc["@timestamp"] : "");

export function levelOfDoc(doc: Doc): Level {
  for (const field of LEVEL_FIELDS) {
    const level = levelOf(doc[field]);
    if (level !== "none") return level;
  }
  return "none";
}

/** The first field of a level that the document has, to filter on. */
export const levelFieldOf = (doc: Doc): string => LEVEL_FIELDS.find((field) => doc[field] !== undefined) ?? "log.level";

/** Where a line comes from: its service, or the name of its file if none is known, and its host. Either may be empty. */
export function sourceOf(doc: Doc): { service: string; host: string } {
  const file = firstText(doc, ["log.file.path"]);
  const service = firstText(doc, SERVICE_FIELDS) || file.slice(file.lastIndexOf("/") + 1);
  return { service, host: firstText(doc, HOST_FIELDS) };
}

/** One value as text: strings as they are, everything else as JSON. */
export function valueText(value: Value | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The message, or, for a document without one, its fields as `name=value` in their order. */
export function messageText(doc: Doc): string {
  const message = doc[MESSAGE_COLUMN];
  if (typeof message === "string") return message;
  const parts: string[] = [];
  let length = 0;
  for (const [name, value] of Object.entries(doc)) {
    if (NOT_IN_SUMMARY.has(name)) continue;
    const part = `${name}=${valueText(value)}`;
    parts.push(part);
    length += part.length;
    if (length > ROW_TEXT_MAX_CHARS) break;
  }
  return parts.join(" ");
}

/** Cuts a text for the list, on a code point, with an ellipsis that says so. */
export function cutText(text: string, maxChars = ROW_TEXT_MAX_CHARS): string {
  if (text.length <= maxChars) return text;
  const head = text.slice(0, maxChars);
  const last = head.charCodeAt(head.length - 1);
  return `${last >= 0xd800 && last <= 0xdbff ? head.slice(0, -1) : head}…`;
}

/** About how many characters a document holds: what its memory is reckoned by. */
export function docChars(doc: Doc): number {
  let chars = 0;
  for (const name in doc) {
    const value = doc[name];
    chars +=
      name.length +
      (typeof value === "string" ? value.length : typeof value === "object" ? valueText(value).length : 8);
  }
  return chars;
}

/** The type of a value as the fields list names it. */
export function typeOf(value: Value): "string" | "integer" | "float" | "bool" | "array" | "object" | "null" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  switch (typeof value) {
    case "string":
      return "string";
    case "number":
      return Number.isInteger(value) ? "integer" : "float";
    case "boolean":
      return "bool";
    default:
      return "object";
  }
}

/** The fields in the order of the drawer: the well-known first, then by name. */
export function sortedFields(doc: Doc): [string, Value][] {
  const first = ["@timestamp", "log.level", "level", "severity", "message", "service.name", "host.name"];
  const rank = (name: string): number => {
    const at = first.indexOf(name);
    if (at >= 0) return at;
    return name.startsWith("_") ? first.length + 1 : first.length;
  };
  return Object.entries(doc).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}
