// The fields of the index, and the exact top values of those that are open in the sidebar.

import { effect, signal, untracked } from "@preact/signals";

import * as api from "../api/client";
import { isAbort, toApiError, type ApiError } from "../api/problem";
import { currentParams, searchNumber } from "./search";
import { view } from "./view";

/** How many values a field shows. */
export const FACET_TOP = 10;

export interface FacetState {
  readonly facet?: api.Facet;
  readonly error?: ApiError;
  readonly loading: boolean;
}

export const fieldList = signal<readonly api.FieldInfo[]>([]);
export const fieldsError = signal<ApiError | undefined>(undefined);
/** Open fields, in the order in which they were opened. */
export const openFacets = signal<ReadonlyMap<string, FacetState>>(new Map());

const requests = new Map<string, AbortController>();

/** Reads the fields with each search, and the open facets anew. */
export function startFields(): void {
  let abort = new AbortController();
  effect(() => {
    void searchNumber.value;
    void view.value.live;
    untracked(() => {
      abort.abort();
      abort = new AbortController();
      void readFields(abort.signal);
      for (const name of openFacets.value.keys()) void readFacet(name);
    });
  });
}

async function readFields(signal: AbortSignal): Promise<void> {
  try {
    const { start, end } = view.peek().live ? {} : currentParams();
    fieldList.value = await api.fields(start && end ? { start, end } : {}, signal);
    fieldsError.value = undefined;
  } catch (thrown) {
    if (!isAbort(thrown)) fieldsError.value = toApiError(thrown);
  }
}

const setFacet = (name: string, state: FacetState | undefined): void => {
  const next = new Map(openFacets.value);
  if (state) next.set(name, state);
  else next.delete(name);
  openFacets.value = next;
};

export function toggleFacet(name: string): void {
  if (openFacets.value.has(name)) {
    requests.get(name)?.abort();
    setFacet(name, undefined);
  } else {
    void readFacet(name);
  }
}

async function readFacet(name: string): Promise<void> {
  requests.get(name)?.abort();
  const abort = new AbortController();
  requests.set(name, abort);
  setFacet(name, { ...openFacets.value.get(name), loading: true });
  try {
    // A live tail has no range: the counts are then of everything the collector holds.
    const params = view.peek().live ? { q: currentParams().q } : currentParams();
    const [facet] = await api.facets({ ...params, fields: name, top: FACET_TOP }, abort.signal);
    if (!abort.signal.aborted && openFacets.value.has(name))
      setFacet(name, facet ? { facet, loading: false } : { loading: false });
  } catch (thrown) {
    if (isAbort(thrown) || abort.signal.aborted || !openFacets.value.has(name)) return;
    setFacet(name, { error: toApiError(thrown), loading: false });
  }
}
