// Refreshing while someone reads, and taking rows away as a file.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { corpus, ingest } from "../lib/collector.mjs";
import { launch, Page } from "../lib/page.mjs";

let browser;
let data;

before(async () => {
  data = await corpus(600);
  browser = await launch();
});
after(() => browser?.close());

test("an automatic refresh never moves what is read: new rows are announced", async () => {
  const page = await Page.open(browser, { q: data.q, from: "now-1h", refresh: "5" });
  await page.total(data.count);
  const grid = page.page.getByRole("grid");
  await grid.hover();
  await page.page.mouse.wheel(0, 2_000);
  const first = () =>
    page.page.evaluate(() => {
      const head = document.querySelector(".list-head").getBoundingClientRect().bottom;
      return [...document.querySelectorAll(".canvas .row")].find((row) => row.getBoundingClientRect().top >= head)
        .textContent;
    });
  await page.page.waitForFunction(() => document.querySelector(".list").scrollTop > 1_000);
  const reading = await first();
  await ingest([{ "@timestamp": new Date().toISOString(), message: "while you were reading", run: data.run }]);
  const news = page.page.getByRole("button", { name: "1 new row, show" });
  await news.waitFor();
  assert.equal(await first(), reading);
  await page.picture("news");
  await news.click();
  await page.row(0).getByText("while you were reading").waitFor();
  assert.equal(await grid.evaluate((list) => list.scrollTop), 0);
  await page.close();
});

test("at the top, a refresh shows what is new", async () => {
  const page = await Page.open(browser, { q: data.q, from: "now-1h", refresh: "5" });
  await page.row(0).waitFor();
  await ingest([{ "@timestamp": new Date().toISOString(), message: "newer than new", run: data.run }]);
  await page.row(0).getByText("newer than new").waitFor();
  await page.close();
});

test("loaded rows are saved as NDJSON and CSV, and the request as a command", async () => {
  const page = await Page.open(
    browser,
    { ...data.view, q: `${data.q} level:error` },
    { permissions: ["clipboard-read", "clipboard-write"] },
  );
  await page.total(data.count / 10);
  const save = async (name) => {
    await page.page.getByRole("button", { name: "Export" }).click();
    const [download] = await Promise.all([
      page.page.waitForEvent("download"),
      page.page.getByRole("button", { name }).click(),
    ]);
    return readFileSync(await download.path(), "utf8");
  };
  const docs = (await save(/as NDJSON/))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    docs.map((doc) => doc.number),
    data.docs
      .filter((doc) => doc["log.level"] === "error")
      .map((doc) => doc.number)
      .reverse(),
  );
  const csv = (await save(/as CSV/)).trim().split("\r\n");
  assert.equal(csv[0], "@timestamp,log.level,service.name,host.name,message");
  assert.equal(csv.length, data.count / 10 + 1);
  await page.page.getByRole("button", { name: "Export" }).click();
  await page.page.getByRole("button", { name: "Copy the request as curl" }).click();
  await page.page.getByText("Command copied").first().waitFor();
  const command = await page.page.evaluate(() => navigator.clipboard.readText());
  const reply = await fetch(/^curl '([^']+)'$/.exec(command)[1]);
  assert.equal((await reply.text()).trim().split("\n").length, data.count / 10 + 1);
  await page.close();
});
