// Documents that wait to be shown: bounded by number and by size, the oldest go first.

import { docChars, type Doc } from "./doc";

export class Waiting {
  private docs: Doc[] = [];
  private chars = 0;

  constructor(
    private readonly maxDocs: number,
    private readonly maxChars: number,
  ) {}

  get count(): number {
    return this.docs.length;
  }

  /** Adds documents at the end; tells how many of the oldest had to go for them. */
  push(...docs: readonly Doc[]): number {
    for (const doc of docs) this.chars += docChars(doc);
    this.docs.push(...docs);
    let gone = 0;
    while (this.docs.length - gone > this.maxDocs || (this.chars > this.maxChars && this.docs.length - gone > 1)) {
      const oldest = this.docs[gone];
      this.chars -= oldest ? docChars(oldest) : 0;
      gone += 1;
    }
    this.docs.splice(0, gone);
    return gone;
  }

  /** Takes all of them, oldest first. */
  take(): Doc[] {
    const docs = this.docs;
    this.docs = [];
    this.chars = 0;
    return docs;
  }
}
