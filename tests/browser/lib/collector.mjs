// The collector under test, spoken to as a script would: known documents in, and exact expectations about them.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

export const URL_BASE = (process.env.MILLPOND_URL ?? "http://127.0.0.1:7500").replace(/\/$/, "");

const SERVICES = ["api", "auth", "billing"];
const SECOND_MS = 1_000;

/** Waits until `check` gives something true; fails with `what` when that takes too long. */
export async function eventually(what, check, limitMs = 15_000) {
  const end = Date.now() + limitMs;
  let last;
  for (;;) {
    last = await check();
    if (last) return last;
    if (Date.now() > end) assert.fail(`${what}: not within ${limitMs} ms`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function get(route, params = {}) {
  const reply = await fetch(`${URL_BASE}/api/v1/${route}?${new URLSearchParams(params)}`);
  assert.equal(reply.status, 200, `${route}: ${await reply.clone().text()}`);
  return reply.json();
}

export const countOf = async (params) => (await get("histogram", { buckets: "1", ...params })).total;

export async function ingest(docs) {
  const body = docs.map((doc) => `${JSON.stringify(doc)}\n`).join("");
  const reply = await fetch(`${URL_BASE}/api/v1/ingest`, {
    method: "POST",
    body,
    headers: { "Content-Type": "application/x-ndjson" },
  });
  assert.equal(reply.status, 200, await reply.clone().text());
  const { accepted, rejected } = await reply.json();
  assert.deepEqual({ accepted, rejected }, { accepted: docs.length, rejected: 0 });
}

/** Of ten documents, one error, one warning, one debug, one without a level, six infos. */
const LEVELS = ["error", "warn", "debug", undefined];
const levelOf = (i) => (i % 10 < LEVELS.length ? LEVELS[i % 10] : "info");

/**
 * Documents of a run of their own, one a second, the newest a minute old. `run` keeps them apart from whatever else
 * the collector holds.
 */
export async function corpus(count = 1_200) {
  const run = `r${randomBytes(6).toString("hex")}`;
  const end = Math.floor(Date.now() / SECOND_MS) * SECOND_MS - 60 * SECOND_MS;
  const start = end - count * SECOND_MS;
  const docs = Array.from({ length: count }, (_, i) => {
    const level = levelOf(i);
    return {
      "@timestamp": new Date(start + i * SECOND_MS).toISOString().replace("Z", "123456Z"),
      message: i % 10 === 0 ? `connection refused by peer ${i}` : `request ${i} served`,
      ...(level === undefined ? {} : { "log.level": level }),
      "service.name": SERVICES[i % 3],
      "host.name": `web-${i % 4}`,
      ...(i % 5 === 0 ? { "user.id": `u${i % 25}` } : {}),
      "http.response.status_code": i % 10 === 0 ? 500 : 200,
      run,
      number: i,
    };
  });
  await ingest(docs);
  const range = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
  await eventually(
    "all documents are searchable",
    async () => (await countOf({ q: `run="${run}"`, ...range })) === count,
  );
  return {
    run,
    docs,
    count,
    q: `run="${run}"`,
    range,
    /** The view's own parameters for exactly these documents. */
    view: { q: `run="${run}"`, from: range.start, to: range.end },
  };
}
