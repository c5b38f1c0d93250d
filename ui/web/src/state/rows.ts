// A list of documents for the windowed list: held in a plain array (no reactive proxies over rows), with one signal
// that says when to look again.

import { signal } from "@preact/signals";

import { docChars, idOf, type Doc } from "../core/doc";

export class Rows {
  private docs: Doc[] = [];
  private readonly places = new Map<string, number>();
  /** How many rows were dropped from the front since the list was last replaced. */
  private droppedFront = 0;
  private heldChars = 0;

  /** Goes up with every change of the contents. */
  readonly version = signal(0);
  /** Goes up when the contents are new altogether: measured heights no longer hold. */
  readonly generation = signal(0);

  get count(): number {
    return this.docs.length;
  }

  /** About how many characters the documents hold. */
  get chars(): number {
    return this.heldChars;
  }

  get dropped(): number {
    return this.droppedFront;
  }

  get all(): readonly Doc[] {
    return this.docs;
  }

  at(index: number): Doc | undefined {
    return this.docs[index];
  }

  /** Where the document with this id stands, or -1. */
  indexOf(id: string): number {
    const place = this.places.get(id);
    return place === undefined ? -1 : place - this.droppedFront;
  }

  replace(docs: readonly Doc[]): void {
    this.docs = [];
    this.places.clear();
    this.droppedFront = 0;
    this.heldChars = 0;
    this.push(docs);
    this.generation.value += 1;
    this.version.value += 1;
  }

  /** Adds at the end; a document that is already in the list is not added again. */
  append(docs: readonly Doc[]): void {
    this.push(docs);
    this.version.value += 1;
  }

  /** Keeps the newest rows within both limits. */
  trimFront(maxRows: number, maxChars: number): void {
    let excess = 0;
    let freed = 0;
    while (
      this.docs.length - excess > maxRows ||
      (this.heldChars - freed > maxChars && this.docs.length - excess > 1)
    ) {
      const doc = this.docs[excess];
      freed += doc ? docChars(doc) : 0;
      excess += 1;
    }
    if (excess === 0) return;
    for (const doc of this.docs.splice(0, excess)) this.places.delete(idOf(doc));
    this.heldChars -= freed;
    this.droppedFront += excess;
    this.version.value += 1;
  }

  private push(docs: readonly Doc[]): void {
    for (const doc of docs) {
      const id = idOf(doc);
      if (id !== "") {
        if (this.places.has(id)) continue;
        this.places.set(id, this.docs.length + this.droppedFront);
      }
      this.docs.push(doc);
      this.heldChars += docChars(doc);
    }
  }
}
