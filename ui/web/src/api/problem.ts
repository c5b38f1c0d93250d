// What can go wrong with a request, as one error type that the page can explain.

import { sentence } from "../core/format";

/** Where in the query an error is, in bytes of its UTF-8 text. */
export interface ErrorPlace {
  readonly offset: number;
  readonly length: number;
}

export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when no reply came at all. */
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly place?: ErrorPlace,
    readonly hint?: string,
    /** Seconds after which the collector wants to be asked again. */
    readonly retryAfterS?: number,
  ) {
    super(detail);
  }

  get unreachable(): boolean {
    return this.status === 0;
  }

  /** Overload or a missing collector passes by itself; a wrong query doesn't. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || (this.status >= 502 && this.status <= 504);
  }
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

/** Any thrown thing as an `ApiError`. `fetch` and a broken stream throw a `TypeError` when the other side is gone. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TypeError) return new ApiError(0, "unreachable", "The collector does not answer.");
  return new ApiError(-1, "bad_reply", `The collector's reply could not be read: ${String(error)}`);
}

/** Reads an `application/problem+json` reply, or makes do with the status. */
export async function readProblem(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("Retry-After") ?? NaN);
  const retryAfterS = Number.isFinite(retryAfter) ? retryAfter : undefined;
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = await response.json();
    if (typeof parsed === "object" && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // A proxy's HTML page, or nothing: the status has to do.
  }
  const text = (name: string): string | undefined => (typeof body[name] === "string" ? body[name] : undefined);
  const place =
    typeof body["offset"] === "number"
      ? { offset: body["offset"], length: typeof body["length"] === "number" ? body["length"] : 1 }
      : undefined;
  const detail =
    text("detail") ?? text("title") ?? `The collector answered ${response.status} ${response.statusText}`.trim();
  const hint = text("hint");
  return new ApiError(
    response.status,
    text("code") ?? `http_${response.status}`,
    sentence(detail),
    place,
    hint === undefined ? undefined : sentence(hint),
    retryAfterS,
  );
}
