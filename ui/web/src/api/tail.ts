// The live tail: server-sent events. EventSource reconnects by itself; this only reads its three kinds of message.

import type { Doc } from "../core/doc";
import { apiPath } from "./client";

export interface TailHandlers {
  onOpen(): void;
  onDocument(doc: Doc): void;
  /** The collector had to leave out this many documents. */
  onSkipped(count: number): void;
  /** The connection is lost; `final` when it won't be tried again (a refused query). */
  onLost(final: boolean): void;
}

/** Opens a tail; the function returned closes it. */
export function openTail(q: string, handlers: TailHandlers): () => void {
  const source = new EventSource(apiPath("tail", { q }));
  const read = (event: MessageEvent): unknown => {
    try {
      return JSON.parse(String(event.data)) as unknown;
    } catch {
      return undefined;
    }
  };
  const onDocument = (event: MessageEvent): void => {
    const doc = read(event);
    if (typeof doc === "object" && doc !== null) handlers.onDocument(doc as Doc);
  };
  source.addEventListener("open", () => handlers.onOpen());
  source.addEventListener("document", onDocument);
  source.addEventListener("message", onDocument);
  source.addEventListener("skipped", (event) => {
    const body = read(event) as { skipped?: unknown } | undefined;
    handlers.onSkipped(typeof body?.skipped === "number" ? body.skipped : 1);
  });
  source.addEventListener("error", () => handlers.onLost(source.readyState === EventSource.CLOSED));
  return () => source.close();
}
