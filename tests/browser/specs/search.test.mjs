// Searching: rows, paging, errors at their place, empty results, tables, completion.

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

test("rows come newest first, with level, source and message as text", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const newest = data.docs.at(-1);
  const text = await page.row(0).innerText();
  assert.match(text, new RegExp(newest.message));
  assert.match(text, new RegExp(`${newest["log.level"]}[^]*${newest["service.name"]}[^]*${newest["host.name"]}`));
  const times = await page.rows.locator("time").evaluateAll((list) => list.map((time) => time.dateTime));
  assert.deepEqual(times, [...times].sort().reverse());
  assert.match(await page.page.getByTestId("summary").innerText(), /\d+ ms/);
  await page.close();
});

test("scrolling reaches the oldest row, with few rows in the document", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const grid = page.page.getByRole("grid");
  for (let i = 0; (await grid.getAttribute("aria-rowcount")) !== String(data.count + 1); i += 1) {
    assert.ok(i < 200, "the list does not grow to all rows");
    await grid.evaluate((list) => {
      list.scrollTop = list.scrollHeight;
    });
    await page.page.waitForTimeout(20);
  }
  await grid.evaluate((list) => {
    list.scrollTop = list.scrollHeight;
  });
  await page.row(data.count - 1).waitFor();
  assert.match(await page.row(data.count - 1).innerText(), /connection refused by peer 0\b/);
  assert.ok((await page.rows.count()) < 120, "only rows in sight are in the document");
  await page.page.getByText("The oldest row of this range.").waitFor();
  await page.close();
});

test("a typed query runs on Enter, and back undoes it", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  await page.search(`${data.q} level:error`);
  await page.total(data.count / 10);
  assert.equal(page.parameters().q, `${data.q} level:error`);
  assert.deepEqual([...new Set(await page.rows.locator(".cell-level").allInnerTexts())], ["error"]);
  await page.page.goBack();
  await page.total(data.count);
  assert.equal(await page.query.inputValue(), data.q);
  await page.page.goForward();
  await page.total(data.count / 10);
  await page.close();
});

test("searched words are marked in the rows", async () => {
  const page = await Page.open(browser, { ...data.view, q: `${data.q} "connection refused"` });
  await page.total(data.count / 10);
  assert.equal(await page.row(0).locator("mark").innerText(), "connection refused");
  await page.close();
});

test("an error in the query is shown at its place, and the old rows stay", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const wrong = `${data.q} é level:error AND (`;
  await page.search(wrong);
  const error = page.page.locator("#query-error");
  await error.waitFor();
  const [line, carets] = (await error.locator("pre").innerText()).split("\n");
  assert.equal(line, wrong);
  assert.match(carets, /^ *\^+$/);
  assert.ok(carets.indexOf("^") >= wrong.indexOf("("), `the caret stands at the parenthesis: ${carets.indexOf("^")}`);
  assert.ok((await error.locator("p").innerText()).length > 10, "it says what is wrong");
  assert.equal(await page.query.getAttribute("aria-invalid"), "true");
  assert.ok((await page.rows.count()) > 0);
  await page.picture("error");
  await page.search(data.q);
  await error.waitFor({ state: "detached" });
  await page.total(data.count);
  await page.close();
});

test("no match says so and leads to the newest match", async () => {
  const page = await Page.open(browser, {
    q: `${data.q} level:error`,
    from: "2020-01-01T00:00:00Z",
    to: "2020-01-02T00:00:00Z",
  });
  await page.page.getByText("No match in this time range").waitFor();
  await page.picture("no-match");
  await page.page.getByRole("button", { name: "Go to the newest match" }).click();
  await page.row(0).waitFor();
  assert.match(await page.row(0).innerText(), /connection refused by peer 1190/);
  await page.search(`${data.q} nosuchwordanywhere`);
  await page.page.getByText("No document of any time matches this query.").waitFor();
  await page.close();
});

test("a query that ends in stats shows its table, which sorts and filters", async () => {
  const page = await Page.open(browser, { ...data.view, q: `${data.q} | stats count() by service.name` });
  const table = page.page.getByRole("region", { name: "Table of the query" });
  await table.waitFor();
  const rows = async () =>
    (await table.locator("tbody tr").allInnerTexts()).map((row) => row.split(/\s+/).filter(Boolean));
  assert.deepEqual((await rows()).sort(), [
    ["api", "400"],
    ["auth", "400"],
    ["billing", "400"],
  ]);
  await page.picture("stats");
  await table.getByRole("button", { name: "service.name", exact: true }).click();
  assert.deepEqual(
    (await rows()).map(([service]) => service),
    ["api", "auth", "billing"],
  );
  await table.getByRole("button", { name: "Filter for service.name auth" }).click();
  await page.page.waitForFunction(() => document.querySelectorAll(".stats tbody tr").length === 1);
  assert.equal(page.parameters().q, `${data.q} service.name="auth" | stats count() by service.name`);
  await page.close();
});

test("fields and values are proposed while typing", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  await page.query.click();
  await page.query.press("End");
  await page.query.pressSequentially(" service.na");
  await page.page.getByRole("option", { name: "service.name" }).waitFor();
  await page.query.press("Tab");
  await page.page.getByRole("option", { name: /^auth/ }).waitFor();
  await page.picture("completion");
  await page.query.pressSequentially("au");
  await page.page.getByRole("option", { name: /^api/ }).waitFor({ state: "detached" });
  await page.query.press("Tab");
  assert.equal(await page.query.inputValue(), `${data.q} service.name:auth `);
  await page.query.press("Enter");
  await page.total(data.count / 3);
  await page.query.press("Escape");
  await page.page.getByRole("button", { name: "Recent queries" }).click();
  await page.page.getByRole("option", { name: "service.name:auth" }).waitFor();
  await page.close();
});

test("a collector that does not answer is said, and the page carries on by itself", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  await page.page.route("**/api/v1/**", (route) => route.abort());
  await page.search(`${data.q} level:warn`);
  await page.page.getByText("The collector does not answer.").first().waitFor();
  assert.ok((await page.rows.count()) > 0, "old rows stay");
  await page.page.unroute("**/api/v1/**");
  await page.total(data.count / 10);
  assert.equal(await page.page.getByText("The collector does not answer.").count(), 0);
  await page.close();
});
