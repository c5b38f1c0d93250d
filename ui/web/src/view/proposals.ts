// The proposals under the query: fields at once from what is known, values from the collector a moment after the
// last key. Values are never cached: a list cut at a prefix says nothing of the next one.

import { signal } from "@preact/signals";

import * as api from "../api/client";
import { isAbort } from "../api/problem";
import { COMMANDS, completingAt, rankFields, type Completing } from "../core/complete";
import { formatCount } from "../core/format";
import { fieldList } from "../state/fields";
import { recentQueries } from "../state/prefs";
import { currentParams } from "../state/search";

const MAX_PROPOSALS = 12;
const DEBOUNCE_MS = 120;

export interface Proposal {
  readonly text: string;
  readonly note: string;
}

export type Proposals =
  | { readonly kind: "completing"; readonly at: Completing; readonly items: readonly Proposal[] }
  | { readonly kind: "recent"; readonly items: readonly Proposal[] };

export const proposals = signal<Proposals | undefined>(undefined);
/** The chosen one, or -1 while none is. */
export const active = signal(-1);

let abort = new AbortController();
let timer: ReturnType<typeof setTimeout> | undefined;

export function closeProposals(): void {
  clearTimeout(timer);
  abort.abort();
  proposals.value = undefined;
  active.value = -1;
}

function show(next: Proposals): void {
  proposals.value = next.items.length > 0 ? next : undefined;
  active.value = -1;
}

/** The queries run before, newest first; those that hold `containing`. */
export function proposeRecent(containing = ""): void {
  const wanted = containing.trim().toLowerCase();
  const items = recentQueries.value.filter((q) => q.toLowerCase().includes(wanted)).map((text) => ({ text, note: "" }));
  show({ kind: "recent", items: items.slice(0, MAX_PROPOSALS) });
}

/** Proposes for what the caret stands in. */
export function propose(text: string, caret: number): void {
  clearTimeout(timer);
  abort.abort();
  const at = completingAt(text, caret);
  if (!at) return closeProposals();
  switch (at.kind) {
    case "value":
      timer = setTimeout(() => void proposeValues(at), DEBOUNCE_MS);
      return;
    case "command":
      show({
        kind: "completing",
        at,
        items: COMMANDS.filter((c) => c.name.startsWith(at.prefix.toLowerCase())).map((c) => ({
          text: c.name,
          note: c.example,
        })),
      });
      return;
    case "field":
    case "argument":
      show({ kind: "completing", at, items: fieldProposals(at.prefix) });
  }
}

function fieldProposals(prefix: string): Proposal[] {
  const known = new Map(fieldList.value.map((field) => [field.name, field]));
  return rankFields([...known.keys()], prefix, MAX_PROPOSALS)
    .filter((name) => name !== prefix)
    .map((name) => ({ text: name, note: known.get(name)?.types.join(", ") ?? "" }));
}

async function proposeValues(at: Completing & { kind: "value" }): Promise<void> {
  abort = new AbortController();
  const signal = abort.signal;
  try {
    const { start, end } = currentParams();
    const found = await api.values(
      { field: at.field, prefix: at.prefix, ...(start && end ? { start, end } : {}) },
      signal,
    );
    if (signal.aborted) return;
    const items = found
      .filter(({ value }) => value !== null && String(value) !== at.prefix)
      .slice(0, MAX_PROPOSALS)
      .map(({ value, count }) => ({ text: String(value), note: formatCount(count) }));
    show({ kind: "completing", at, items });
  } catch (thrown) {
    // Completion is a courtesy: without it the query still runs, and its error says what is wrong.
    if (!isAbort(thrown)) closeProposals();
  }
}
