// Newline-delimited JSON, read as it streams in: chunks of bytes to values, whole lines only.

/** A line longer than this is not from our collector: stop instead of filling the memory of the browser. */
export const NDJSON_LINE_MAX_CHARS = 64 * 1024 * 1024;

/** Splits a stream of bytes into lines and parses each one. Characters cut by a chunk border stay whole. */
export class NdjsonDecoder {
  private readonly decoder = new TextDecoder();
  private rest = "";

  /** The values completed by this chunk. Throws `SyntaxError` on a line that is no JSON. */
  push(chunk: Uint8Array): unknown[] {
    return this.take(this.decoder.decode(chunk, { stream: true }));
  }

  /** The value of a last line without a newline, if there is one. */
  finish(): unknown[] {
    return this.take(`${this.decoder.decode()}\n`);
  }

  private take(text: string): unknown[] {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    if (this.rest.length > NDJSON_LINE_MAX_CHARS) throw new SyntaxError("a line of the reply is too long");
    return lines.filter((line) => line.trim() !== "").map((line) => JSON.parse(line) as unknown);
  }
}
