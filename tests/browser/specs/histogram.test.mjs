// The histogram: numbers that add up, a brush for mouse and keyboard, the moves of the time picker.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { corpus, countOf } from "../lib/collector.mjs";
import { launch, Page } from "../lib/page.mjs";

let browser;
let data;

before(async () => {
  data = await corpus();
  browser = await launch();
});
after(() => browser?.close());

const number = (text) => Number(text.replace(/,/g, ""));
const countInView = ({ q, from, to }) => countOf({ q, start: from, end: to });

test("bars, legend and table add up to the total", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  assert.ok((await page.page.locator(".chart rect.fill-error").count()) > 3);
  const legend = await page.page.getByRole("list", { name: "Levels" }).locator("b").allInnerTexts();
  assert.deepEqual(legend.map(number), [120, 120, 720, 120, 120]);
  await page.page.getByRole("button", { name: "Show the counts as a table" }).click();
  const table = page.page.getByRole("region", { name: "Counts over time" });
  const totals = await table.locator("tbody tr td:nth-child(2)").allInnerTexts();
  assert.equal(
    totals.map(number).reduce((a, b) => a + b, 0),
    data.count,
  );
  const rows = await table
    .locator("tbody tr")
    .evaluateAll((list) =>
      list.map((row) => [...row.querySelectorAll("td")].map((cell) => Number(cell.textContent.replace(/,/g, "")))),
    );
  for (const [total, ...levels] of rows)
    assert.equal(
      levels.reduce((a, b) => a + b, 0),
      total,
    );
  await page.close();
});

test("dragging over bars narrows the range to them, back widens it again", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const box = await page.page.locator(".chart").boundingBox();
  await page.page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.page.mouse.down();
  await page.page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 5 });
  await page.page.locator(".brushed").waitFor();
  await page.page.mouse.up();
  await page.page.waitForFunction((from) => new URL(location.href).searchParams.get("from") !== from, data.view.from);
  const narrowed = page.parameters();
  assert.ok(narrowed.from > data.view.from && narrowed.to < data.view.to, JSON.stringify(narrowed));
  const expected = await countInView(narrowed);
  assert.ok(expected > 100 && expected < 500, String(expected));
  await page.total(expected);
  await page.page.goBack();
  await page.total(data.count);
  await page.close();
});

test("the keyboard chooses buckets and zooms", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  const chart = page.page.getByRole("slider", { name: /Histogram/ });
  await chart.focus();
  await chart.press("Home");
  await chart.press("ArrowRight");
  assert.match(await chart.getAttribute("aria-valuetext"), /events?/);
  await chart.press("Shift+ArrowRight");
  await chart.press("Shift+ArrowRight");
  await chart.press("Enter");
  await page.page.waitForFunction((to) => new URL(location.href).searchParams.get("to") !== to, data.view.to);
  const expected = await countInView(page.parameters());
  assert.ok(expected > 0 && expected < data.count / 2, String(expected));
  await page.total(expected);
  await page.close();
});

test("pointing at a bar tells its counts", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  await page.page.locator(".chart").hover();
  const tooltip = await page.page.locator(".tooltip").innerText();
  assert.match(tooltip, /error\s+\d+/);
  assert.match(tooltip, /total\s+\d+/);
  await page.picture("histogram");
  await page.close();
});

test("earlier, later and zoom out move the range", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  await page.page.getByRole("button", { name: "Earlier by half the range" }).click();
  await page.total(data.count / 2);
  await page.page.getByRole("button", { name: "Later by half the range" }).click();
  await page.total(data.count);
  await page.page.getByRole("button", { name: "Zoom out" }).click();
  await page.settled();
  const { from, to } = page.parameters();
  assert.ok(Math.abs(Date.parse(to) - Date.parse(from) - 2 * data.count * 1_000) < 10, `${from} ${to}`);
  await page.close();
});

test("the picker takes quick ranges, typed times in either zone, and refuses what is none", async () => {
  const page = await Page.open(browser, data.view);
  await page.total(data.count);
  await page.page.getByRole("button", { name: /^Time range/ }).click();
  const from = page.page.getByLabel("From", { exact: true });
  await from.fill("soon");
  await page.page.getByText("From is not a time.").waitFor();
  assert.equal(await page.page.getByRole("button", { name: "Apply" }).isDisabled(), true);
  await from.fill("2026-01-02 03:04");
  await page.picture("picker");
  await page.page.getByRole("button", { name: "Apply" }).click();
  await page.settled();
  assert.equal(page.parameters().from, "2026-01-02T02:04:00Z", "local time of Madrid");
  await page.page.getByRole("button", { name: /^Time range/ }).click();
  await page.page.getByRole("dialog").getByRole("button", { name: "UTC" }).click();
  assert.equal(page.parameters().tz, "utc");
  await page.page.getByRole("button", { name: "Last 3 hours" }).click();
  await page.total(data.count);
  assert.deepEqual(page.parameters(), { q: data.q, from: "now-3h", tz: "utc" });
  await page.close();
});

test("a range that ends before it begins is said and left", async () => {
  const page = await Page.open(browser, { q: data.q, from: "now", to: "now-1h" });
  await page.page.getByText("The time range ends before it begins").waitFor();
  await page.page.getByRole("button", { name: "Show the last hour" }).click();
  await page.total(data.count);
  await page.close();
});
