// The view as a URL: short, readable, and complete, so that a link shows what its sender saw.
// ?q=level:error&from=now-1h&to=now&cols=service.name,message&tz=utc&live=1&refresh=10&id=…&at=…

import { DEFAULT_RANGE, resolveInstant, type Zone } from "./time";

export interface View {
  readonly q: string;
  readonly from: string;
  readonly to: string;
  /** Column names in order, or none for the standard columns. */
  readonly cols: readonly string[];
  readonly tz: Zone;
  readonly live: boolean;
  /** Seconds between automatic refreshes; 0 is off. */
  readonly refreshS: number;
  /** The open document and its timestamp: together they find it again even when it is not on the first page. */
  readonly id: string;
  readonly at: string;
}

export const DEFAULT_VIEW: View = {
  q: "",
  from: DEFAULT_RANGE.from,
  to: DEFAULT_RANGE.to,
  cols: [],
  tz: "local",
  live: false,
  refreshS: 0,
  id: "",
  at: "",
};

/** The intervals that the picker offers; a link with another one gets the nearest above. */
export const REFRESH_CHOICES_S = [5, 10, 30, 60, 300] as const;

const MAX_COLUMNS = 30;

/** Reads `location.search`. What does not parse falls back to its default: a mangled link still opens. */
export function parseView(search: string): View {
  const params = new URLSearchParams(search);
  const instant = (name: string, fallback: string): string => {
    const value = params.get(name);
    return value !== null && resolveInstant(value, 0) !== undefined ? value : fallback;
  };
  const cols = (params.get("cols") ?? "")
    .split(",")
    .map((c) => c.trim())
    .filter((c) => c !== "");
  const id = params.get("id") ?? "";
  return {
    q: params.get("q") ?? "",
    from: instant("from", DEFAULT_VIEW.from),
    to: instant("to", DEFAULT_VIEW.to),
    cols: [...new Set(cols)].slice(0, MAX_COLUMNS),
    tz: params.get("tz") === "utc" ? "utc" : "local",
    live: params.get("live") === "1",
    refreshS: refreshOf(params.get("refresh")),
    id,
    at: id === "" ? "" : (params.get("at") ?? ""),
  };
}

function refreshOf(text: string | null): number {
  const seconds = Number(text ?? 0);
  if (!(seconds > 0)) return 0;
  return REFRESH_CHOICES_S.find((choice) => choice >= seconds) ?? 300;
}

/** Writes the query string, `?` included; what is at its default is left out. Characters that URLs allow stay readable. */
export function formatView(view: View): string {
  const parts: string[] = [];
  const add = (name: string, value: string, standard: string): void => {
    if (value !== standard) parts.push(`${name}=${encode(value)}`);
  };
  add("q", view.q, "");
  add("from", view.from, DEFAULT_VIEW.from);
  add("to", view.to, DEFAULT_VIEW.to);
  add("cols", view.cols.join(","), "");
  add("tz", view.tz, "local");
  add("live", view.live ? "1" : "", "");
  add("refresh", view.refreshS === 0 ? "" : String(view.refreshS), "");
  add("id", view.id, "");
  add("at", view.at, "");
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function encode(value: string): string {
  return encodeURIComponent(value)
    .replace(/%3A/g, ":")
    .replace(/%2C/g, ",")
    .replace(/%2F/g, "/")
    .replace(/%40/g, "@")
    .replace(/%3D/g, "=")
    .replace(/%20/g, "+");
}
