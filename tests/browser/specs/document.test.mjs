// The open document, its actions, the field list, and links to all of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { corpus, countOf } from "../lib/collector.mjs";
import { grouped, launch, Page } from "../lib/page.mjs";

let browser;
let data;

before(async () => {
  data = await corpus();
  browser = await launch();
});
after(() => browser?.close());

async function openRow(index) {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  await page.row(index).click();
  await page.drawer.waitFor();
  return page;
}

test("a document is shown whole, as fields and as JSON", async () => {
  const page = await openRow(9);
  const expected = data.docs[data.count - 10];
  for (const [name, value] of Object.entries(expected)) {
    const shown = await page.field(name).locator(".doc-value").innerText();
    if (name === "@timestamp") assert.equal(shown.slice(0, 29), value.slice(0, 29));
    else assert.equal(shown, String(value), name);
  }
  await page.picture("document");
  await page.drawer.getByRole("button", { name: "JSON", exact: true }).click();
  const json = JSON.parse(await page.drawer.locator("pre").innerText());
  assert.equal(json.number, expected.number);
  assert.equal(json["http.response.status_code"], 500);
  assert.equal(typeof json._id, "string");
  await page.close();
});

test("filter for and filter out edit the query and count right", async () => {
  const page = await openRow(0);
  await page
    .field("service.name")
    .getByRole("button", { name: /^Filter for/ })
    .click();
  await page.total(data.count / 3);
  assert.equal(page.parameters().q, `${data.q} service.name="billing"`);
  assert.equal(await page.query.inputValue(), `${data.q} service.name="billing"`);
  assert.equal(await page.drawer.isVisible(), true, "what matches stays open");
  await page
    .field("number")
    .getByRole("button", { name: /^Filter out/ })
    .click();
  await page.total(data.count / 3 - 1);
  assert.equal(page.parameters().q, `${data.q} service.name="billing" NOT number=1199`);
  await page.row(0).click();
  await page
    .field("service.name")
    .getByRole("button", { name: /^Filter out/ })
    .click();
  await page.total((data.count * 2) / 3);
  assert.equal(page.parameters().q, `${data.q} NOT number=1199 NOT service.name="billing"`);
  await page.close();
});

test("fields become columns, which move and go", async () => {
  const page = await openRow(0);
  await page.field("number").getByRole("button", { name: "Column number" }).click();
  assert.equal(page.parameters().cols, "source,number,message");
  assert.match(await page.row(0).innerText(), /\b1199\b/);
  await page.page.getByRole("columnheader", { name: "number" }).hover();
  await page.page.getByRole("button", { name: "Move column number left" }).click();
  assert.equal(page.parameters().cols, "number,source,message");
  await page.page.getByRole("columnheader", { name: "source" }).hover();
  await page.page.getByRole("button", { name: "Remove column source" }).click();
  assert.equal(page.parameters().cols, "number,message");
  await page.close();
});

test("a link shows the same: query, range, columns, zone and document", async () => {
  const page = await openRow(7);
  await page.field("number").getByRole("button", { name: "Column number" }).click();
  await page.page.locator(".toolbar").getByRole("button", { name: "UTC" }).click();
  const id = await page.field("_id").locator(".doc-value").innerText();
  const link = page.page.url();
  await page.close();

  const other = await Page.open(browser);
  await other.page.goto(link);
  await other.total(data.count);
  await other.drawer.waitFor();
  assert.equal(await other.field("_id").locator(".doc-value").innerText(), id);
  assert.equal(await other.query.inputValue(), data.q);
  assert.equal(await other.page.getByRole("columnheader", { name: "number" }).count(), 1);
  const hour = new Date(data.docs[data.count - 8]["@timestamp"]).toISOString().slice(11, 23);
  assert.equal(await other.row(7).locator("time").innerText(), hour);
  assert.equal(
    await other
      .row(7)
      .getAttribute("class")
      .then((text) => text.includes("open")),
    true,
  );
  await other.close();
});

test("a link finds its document even where the list does not have it", async () => {
  const page = await openRow(3);
  const { id, at } = page.parameters();
  await page.visit({ q: `${data.q} level:error`, from: data.view.from, to: data.view.to, id, at });
  await page.total(data.count / 10);
  await page.field("number").waitFor();
  assert.equal(await page.field("number").locator(".doc-value").innerText(), String(data.count - 4));
  await page.visit({ ...data.view, id: "gone", at });
  await page.page.getByText("This document is no longer there").waitFor();
  await page.close();
});

test("back closes the document", async () => {
  const page = await openRow(2);
  await page.row(4).click();
  await page.page.goBack();
  await page.drawer.waitFor({ state: "detached" });
  assert.equal(page.parameters().id, undefined);
  await page.close();
});

test("top values are exact, and filter", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const sidebar = page.page.getByRole("navigation", { name: "Fields" });
  const values = async (name) => {
    await sidebar
      .getByRole("button", { name: new RegExp(`${name.replace(/\./g, "\\.")}$`) })
      .first()
      .click();
    const facet = sidebar.locator(".field.open").filter({ hasText: name });
    await facet.locator(".facet-values li").first().waitFor();
    const list = await facet
      .locator(".facet-values li")
      .evaluateAll((items) =>
        items.map((item) => [
          item.querySelector(".facet-value").textContent,
          Number(item.querySelector(".facet-count").textContent.replace(/,/g, "")),
        ]),
      );
    return { list: Object.fromEntries(list), foot: await facet.locator(".facet-foot").innerText() };
  };
  assert.deepEqual((await values("service.name")).list, { api: 400, auth: 400, billing: 400 });
  const users = await values("user.id");
  assert.deepEqual(users.list, { u0: 48, u5: 48, u10: 48, u15: 48, u20: 48 });
  assert.match(users.foot, /5 distinct/);
  assert.match(users.foot, new RegExp(`missing in ${grouped((data.count * 4) / 5)}`));
  assert.deepEqual((await values("log.level")).list, { info: 720, error: 120, warn: 120, debug: 120 });
  await page.picture("fields");
  await sidebar.getByRole("button", { name: "Filter out user.id u5" }).click();
  await page.total(data.count - 48);
  assert.equal(page.parameters().q, `${data.q} NOT user.id="u5"`);
  await sidebar.getByTitle("Only documents without user.id").click();
  await page.total(await countOf({ q: `${data.q} NOT user.id:*`, ...data.range }));
  await page.close();
});

test("the lines of the same source around a document, with it in sight", async () => {
  const page = await openRow(0);
  const { id } = page.parameters();
  const at = Date.parse(data.docs.at(-1)["@timestamp"]);
  await page.drawer.getByRole("button", { name: "Lines of the same source around this one" }).click();
  await page.page.waitForFunction((q) => new URL(location.href).searchParams.get("q") !== q, data.q);
  const { q, from, to } = page.parameters();
  assert.equal(q, 'host.name="web-3" service.name="billing"');
  assert.ok(Date.parse(from) < at && Date.parse(to) > at);
  await page.total(await countOf({ q, start: from, end: to }));
  await page.page.locator(".row.open.current").waitFor();
  assert.equal(page.parameters().id, id);
  await page.close();
});
