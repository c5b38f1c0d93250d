// The whole way by keyboard alone: search, walk the rows, read a document, filter, come back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { corpus } from "../lib/collector.mjs";
import { launch, Page } from "../lib/page.mjs";

let browser;
let data;

before(async () => {
  data = await corpus();
  browser = await launch();
});
after(() => browser?.close());

const current = (page) => page.page.locator(".row.current").getAttribute("data-index").then(Number);
const focusedId = (page) => page.page.evaluate(() => document.activeElement?.id);

test("search, walk, open, filter and return without a mouse", async () => {
  const page = await Page.open(browser, { from: data.view.from, to: data.view.to });
  const keys = page.page.keyboard;
  await page.page.getByTestId("total").waitFor();
  await keys.press("/");
  await keys.type(`${data.q} level:error`);
  await keys.press("Escape");
  await keys.press("Enter");
  await page.total(data.count / 10);
  await keys.press("Escape");
  await keys.press("j");
  await keys.press("j");
  await keys.press("ArrowDown");
  await keys.press("k");
  assert.equal(await current(page), 1);
  await keys.press("Enter");
  await page.drawer.waitFor();
  await page.page.waitForFunction(() => document.activeElement?.id === "document");
  const first = await page.field("number").locator(".doc-value").innerText();
  await keys.press("ArrowRight");
  await page.page.waitForFunction(
    (was) => document.querySelector('[data-field="number"] .doc-value')?.textContent !== was,
    first,
  );
  assert.equal(await current(page), 2);
  await keys.press("ArrowLeft");
  assert.equal(await current(page), 1);

  for (
    let i = 0;
    i < 40 && (await page.page.evaluate(() => document.activeElement?.dataset.field)) !== "@timestamp";
    i += 1
  )
    await keys.press("Tab");
  for (
    let i = 0;
    i < 20 && (await page.page.evaluate(() => document.activeElement?.dataset.field)) !== "service.name";
    i += 1
  )
    await keys.press("ArrowDown");
  const service = await page.field("service.name").locator(".doc-value").innerText();
  await keys.press("f");
  await page.total(data.count / 30);
  assert.equal(page.parameters().q, `${data.q} level:error service.name="${service}"`);
  await keys.press("Escape");
  await page.drawer.waitFor({ state: "detached" });
  assert.equal(await focusedId(page), "rows");
  await page.close();
});

test("the list pages, ends and begins by keys, and keeps its row", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const keys = page.page.keyboard;
  await page.page.getByRole("grid").focus();
  await keys.press("PageDown");
  const paged = await current(page);
  assert.ok(paged > 10, String(paged));
  await keys.press("Home");
  assert.equal(await current(page), 0);
  assert.equal(await page.page.getByRole("grid").getAttribute("aria-activedescendant"), "row-0");
  await keys.press("j");
  await keys.press("r");
  await page.settled();
  assert.equal(await current(page), 1, "the current row is the same document after a refresh");
  await keys.press("G");
  assert.ok((await current(page)) > 100);
  await keys.press("g");
  assert.equal(await current(page), 0);
  await page.close();
});

test("letters move the range, wrap lines and open panels; inputs keep their letters", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const keys = page.page.keyboard;
  await keys.press("[");
  await page.total(data.count / 2);
  await keys.press("]");
  await page.total(data.count);
  await keys.press("w");
  await page.page.locator(".list.wrapped").waitFor();
  await keys.press("w");
  await keys.press("b");
  await page.page.getByRole("navigation", { name: "Fields" }).waitFor({ state: "detached" });
  await keys.press("b");
  await page.page.getByLabel("Filter fields", { exact: true }).focus();
  await keys.type("jkw[z");
  assert.equal(await page.page.getByLabel("Filter fields", { exact: true }).inputValue(), "jkw[z");
  assert.equal(Date.parse(page.parameters().from), Date.parse(data.view.from));
  await page.page.getByRole("grid").focus();
  await keys.press("t");
  await page.page.getByLabel("From", { exact: true }).waitFor();
  await keys.press("Escape");
  await page.page.getByLabel("From", { exact: true }).waitFor({ state: "detached" });
  await keys.press("l");
  await page.page.getByTestId("tail-state").waitFor();
  await keys.press("l");
  await page.page.getByTestId("total").waitFor();
  await page.close();
});

test("single letters can be switched off", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const keys = page.page.keyboard;
  await keys.press("?");
  const help = page.page.getByRole("dialog", { name: "Help" });
  await help.waitFor();
  await page.picture("help");
  await help.getByLabel("Single-letter keys").uncheck();
  await keys.press("Escape");
  await help.waitFor({ state: "hidden" });
  await page.page.getByRole("grid").focus();
  await keys.press("j");
  assert.equal(await page.page.locator(".row.current").count(), 0);
  await keys.press("ArrowDown");
  assert.equal(await current(page), 0);
  await page.close();
});
