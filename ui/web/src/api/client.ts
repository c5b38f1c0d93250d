// The collector's HTTP API. Addresses are relative, so that the page works under any path of a proxy.

import type { Doc, Scalar } from "../core/doc";
import { NdjsonDecoder } from "../core/ndjson";
import { readHistogram, type Histogram } from "../core/scale";
import { ApiError, isAbort, readProblem, toApiError } from "./problem";

export interface SearchParams {
  readonly q: string;
  /** RFC 3339; absent is unbounded. */
  readonly start?: string;
  readonly end?: string;
}

export interface QueryMeta {
  readonly cursor: string | null;
  readonly tookMs: number;
  readonly partial: boolean;
  /** Why it is partial, in the collector's words. */
  readonly reason: string | undefined;
  readonly warnings: readonly string[];
}

export interface FieldInfo {
  readonly name: string;
  readonly types: readonly string[];
  readonly count: number;
}

export interface ValueCount {
  readonly value: Scalar;
  readonly count: number;
}

export interface Facet {
  readonly name: string;
  readonly values: readonly ValueCount[];
  readonly distinct: number;
  readonly missing: number;
}

export interface StatsTable {
  readonly columns: readonly { readonly name: string; readonly type?: string }[];
  readonly rows: readonly (readonly Scalar[])[];
  readonly meta: QueryMeta;
}

/** A browser clock that differs less than this from the collector's is taken as right (`Date` has whole seconds). */
const CLOCK_TOLERANCE_MS = 2_500;
let clockOffsetMs = 0;

/** The collector's time as far as its replies tell: relative ranges must not depend on this machine's clock. */
export const collectorNow = (): number => Date.now() + clockOffsetMs;

function learnClock(response: Response): void {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  const offset = date - Date.now();
  clockOffsetMs = Math.abs(offset) > CLOCK_TOLERANCE_MS ? offset : 0;
}

/** The address of a request, for `fetch`, for links and for "copy as curl". */
export function apiPath(route: string, params: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return `./api/v1/${route}${text === "" ? "" : `?${text}`}`;
}

async function request(path: string, signal: AbortSignal | undefined): Promise<Response> {
  const response = await fetch(path, {
    signal: signal ?? null,
    headers: { Accept: "application/json, application/x-ndjson" },
  });
  learnClock(response);
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** Runs a request; every failure but an abort comes out as an `ApiError`. */
async function call<T>(
  path: string,
  signal: AbortSignal | undefined,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  try {
    return await read(await request(path, signal));
  } catch (error) {
    throw isAbort(error) ? error : toApiError(error);
  }
}

/** Streams documents: `onDocs` gets each batch as it arrives, the promise the end of the reply. */
export function query(
  params: SearchParams & { readonly limit: number; readonly cursor?: string },
  signal: AbortSignal | undefined,
  onDocs: (docs: Doc[]) => void,
): Promise<QueryMeta> {
  return call(apiPath("query", { ...params }), signal, async (response) => {
    const decoder = new NdjsonDecoder();
    let meta: QueryMeta | undefined;
    const take = (values: unknown[]): void => {
      const docs: Doc[] = [];
      for (const value of values) {
        if (typeof value !== "object" || value === null) continue;
        if ("_meta" in value) meta = readMeta(value._meta);
        else docs.push(value as Doc);
      }
      if (docs.length > 0) onDocs(docs);
    };
    if (response.body) {
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        take(decoder.push(value));
      }
    }
    take(decoder.finish());
    if (!meta)
      throw new ApiError(-1, "cut_off", "The reply was cut off before its end; the rows shown may not be all.");
    return meta;
  });
}

function readMeta(value: unknown): QueryMeta {
  const meta = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return {
    cursor: typeof meta["cursor"] === "string" ? meta["cursor"] : null,
    tookMs: typeof meta["took_ms"] === "number" ? meta["took_ms"] : 0,
    partial: meta["partial"] === true,
    reason: typeof meta["reason"] === "string" ? meta["reason"] : undefined,
    warnings: Array.isArray(meta["warnings"]) ? meta["warnings"].map(String) : [],
  };
}

/** Counts over time, stacked by level. */
export function histogram(
  params: SearchParams & { readonly buckets: number },
  signal?: AbortSignal,
): Promise<Histogram> {
  return call(apiPath("histogram", { ...params, by: "log.level" }), signal, async (response) =>
    readHistogram((await response.json()) as Parameters<typeof readHistogram>[0]),
  );
}

export function stats(params: SearchParams, signal?: AbortSignal): Promise<StatsTable> {
  return call(apiPath("stats", { ...params }), signal, async (response) => {
    const reply = (await response.json()) as Pick<StatsTable, "columns" | "rows">;
    return { columns: reply.columns, rows: reply.rows, meta: readMeta(reply) };
  });
}

export function fields(params: Omit<SearchParams, "q">, signal?: AbortSignal): Promise<FieldInfo[]> {
  return call(
    apiPath("fields", { ...params }),
    signal,
    async (response) => ((await response.json()) as { fields: FieldInfo[] }).fields,
  );
}

export function facets(
  params: SearchParams & { readonly fields: string; readonly top: number },
  signal?: AbortSignal,
): Promise<Facet[]> {
  return call(
    apiPath("facets", { ...params }),
    signal,
    async (response) => ((await response.json()) as { fields: Facet[] }).fields,
  );
}

export function values(
  params: { readonly field: string; readonly prefix: string; readonly start?: string; readonly end?: string },
  signal?: AbortSignal,
): Promise<ValueCount[]> {
  return call(
    apiPath("values", { ...params }),
    signal,
    async (response) => ((await response.json()) as { values: ValueCount[] }).values,
  );
}

/** The one document with this id at this instant, whatever the query is; `undefined` when it is gone. */
export async function documentAt(
  id: string,
  start: string,
  end: string,
  signal?: AbortSignal,
): Promise<Doc | undefined> {
  let found: Doc | undefined;
  // As many documents share one nanosecond as a sender without a clock makes them; past this many, the link is out of luck.
  await query({ q: "", start, end, limit: 1_000 }, signal, (docs) => {
    found ??= docs.find((doc) => doc["_id"] === id);
  });
  return found;
}
