// The live tail: fresh lines within a second or so, a pause that holds, and nothing that moves under the reader.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { corpus, ingest } from "../lib/collector.mjs";
import { launch, Page } from "../lib/page.mjs";

let browser;
let data;

before(async () => {
  data = await corpus(200);
  browser = await launch();
});
after(() => browser?.close());

const send = (message, more = {}) =>
  ingest([{ "@timestamp": new Date().toISOString(), message, run: data.run, "log.level": "info", ...more }]);

async function openLive(q = data.q) {
  const page = await Page.open(browser, { q, live: "1" });
  await page.page.getByTestId("tail-state").getByText("Live", { exact: true }).waitFor();
  return page;
}

const line = (page, text) => page.rows.getByText(text, { exact: true });
const lastShown = (page) => page.rows.last().innerText();

test("a line that was just sent is there, at the end", async () => {
  const page = await openLive();
  await page.row(99).waitFor();
  const sent = Date.now();
  await send("fresh line one");
  await line(page, "fresh line one").waitFor();
  assert.ok(Date.now() - sent < 3_000, `${Date.now() - sent} ms`);
  assert.match(await lastShown(page), /fresh line one/);
  await send("for somebody else", { run: "other" });
  await send("fresh line two");
  await line(page, "fresh line two").waitFor();
  assert.equal(await line(page, "for somebody else").count(), 0);
  await page.picture("tail");
  await page.close();
});

test("a pause holds, counts what waits, and resumes with it", async () => {
  const page = await openLive();
  await send("before the pause");
  await line(page, "before the pause").waitFor();
  await page.page.getByRole("button", { name: "Pause" }).click();
  await send("while paused 1");
  await send("while paused 2");
  await page.page.getByTestId("buffered").getByText("2 new").waitFor();
  assert.equal(await line(page, "while paused 1").count(), 0);
  await page.picture("tail-paused");
  await page.page.getByRole("button", { name: /^Resume/ }).click();
  await line(page, "while paused 2").waitFor();
  assert.match(await lastShown(page), /while paused 2/);
  await page.close();
});

test("scrolling up pauses, scrolling to the end resumes", async () => {
  const page = await openLive();
  const grid = page.page.getByRole("grid");
  await page.row(99).waitFor();
  await grid.hover();
  await page.page.mouse.wheel(0, -600);
  await page.page.getByTestId("tail-state").getByText("Paused").waitFor();
  const top = await grid.evaluate((list) => list.scrollTop);
  await send("below the reader");
  await page.page.getByTestId("buffered").getByText("1 new").waitFor();
  assert.equal(await grid.evaluate((list) => list.scrollTop), top, "the reader's place does not move");
  await page.page.mouse.wheel(0, 100_000);
  await page.page.getByTestId("tail-state").getByText("Live", { exact: true }).waitFor();
  await line(page, "below the reader").waitFor();
  await page.close();
});

test("the tail follows the query, and stops", async () => {
  const page = await openLive(`${data.q} level:error`);
  await send("quiet line");
  await send("loud line", { "log.level": "error" });
  await line(page, "loud line").waitFor();
  assert.equal(await line(page, "quiet line").count(), 0);
  await page.page.getByRole("button", { name: "Stop" }).click();
  await page.page.getByTestId("total").waitFor();
  assert.equal(page.parameters().live, undefined);
  await page.close();
});

test("a wrong query is explained in the tail, too", async () => {
  const page = await Page.open(browser, { q: `${data.q} AND (`, live: "1" });
  await page.page.locator("#query-error").waitFor();
  await page.page.getByTestId("tail-state").getByText("The collector refused the tail").waitFor();
  await page.close();
});
