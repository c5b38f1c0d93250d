// One page in one browser, with eyes on everything that must never happen: uncaught errors, violations of the
// Content-Security-Policy, error messages on the console.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

import { URL_BASE } from "./collector.mjs";

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });

export const grouped = (n) => n.toLocaleString("en-US");

export class Page {
  constructor(page, complaints) {
    this.page = page;
    this.complaints = complaints;
  }

  /** A fresh browser profile on this view. */
  static async open(browser, view = {}, options = {}) {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 860 },
      timezoneId: "Europe/Madrid",
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
    page.on("console", (message) => {
      // A refused query is an error to the browser and an answer to the page.
      if (message.type() === "error" && !/status of 4\d\d|ERR_FAILED/.test(message.text()))
        complaints.push(`console: ${message.text()}`);
    });
    await page.addInitScript(() => {
      globalThis.violations = [];
      addEventListener("securitypolicyviolation", (event) =>
        globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    const opened = new Page(page, complaints);
    await opened.visit(view);
    return opened;
  }

  static address(view) {
    const query = new URLSearchParams(view).toString();
    return `${URL_BASE}/${query === "" ? "" : `?${query}`}`;
  }

  visit(view) {
    return this.page.goto(Page.address(view));
  }

  /** Closes the page; fails if anything happened that must not. */
  async close() {
    const violations = await this.page.evaluate(() => globalThis.violations);
    await this.page.context().close();
    assert.deepEqual(violations, [], "violations of the Content-Security-Policy");
    assert.deepEqual(this.complaints, [], "complaints of the browser");
  }

  parameters() {
    return Object.fromEntries(new URL(this.page.url()).searchParams);
  }

  get query() {
    return this.page.getByLabel("Query", { exact: true });
  }

  get rows() {
    return this.page.locator(".canvas .row");
  }

  row(index) {
    return this.page.locator(`[data-index="${index}"]`);
  }

  get drawer() {
    return this.page.getByRole("region", { name: "Document" });
  }

  field(name) {
    return this.drawer.locator(`[data-field="${name}"]`);
  }

  async search(text) {
    await this.query.fill(text);
    await this.query.press("Enter");
  }

  /** Waits until the page says that so many events match. */
  async total(count) {
    await this.page
      .getByTestId("total")
      .getByText(`${grouped(count)} ${count === 1 ? "event" : "events"}`, { exact: true })
      .waitFor();
    await this.settled();
  }

  /** Waits until nothing on the page is of an earlier search. */
  async settled() {
    await this.page.waitForFunction(
      () => !document.querySelector(".results.stale, .histogram.stale, .results[aria-busy=true]"),
    );
  }

  /** Keeps a picture if MILLPOND_SCREENSHOTS names a folder. */
  async picture(name) {
    const folder = process.env.MILLPOND_SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: `${folder}/${name}.png` });
  }
}
