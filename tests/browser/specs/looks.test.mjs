// What everyone must be able to see and use: contrast in both themes, names and roles, no text run as HTML.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { corpus, eventually, countOf, ingest, URL_BASE } from "../lib/collector.mjs";
import { launch, Page } from "../lib/page.mjs";

let browser;
let data;

before(async () => {
  data = await corpus(300);
  browser = await launch();
});
after(() => browser?.close());

/** Runs in the page: every visible text whose contrast with its ground is too low (WCAG 2.2, 1.4.3). */
function lowContrast() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba("white");
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const style = getComputedStyle(element);
    if (
      !node.textContent.trim() ||
      !element.checkVisibility() ||
      element.closest("[aria-hidden=true], .offscreen, [disabled]")
    )
      continue;
    const fore = luminance(element instanceof SVGElement ? rgba(style.fill) : rgba(style.color));
    const back = luminance(ground(element));
    const ratio = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
    if (ratio < 4.5 && style.color !== "rgba(0, 0, 0, 0)")
      found.add(`${element.className}: "${node.textContent.trim().slice(0, 20)}" ${ratio.toFixed(2)}`);
  }
  return [...found];
}

/** Runs in the page: controls without a name, ids used twice, roles that lack what they need. */
function faults() {
  const found = [];
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());
  for (const e of visible(
    "button, a[href], input, select, textarea, [role=slider], [role=grid], [role=dialog], [role=region], nav",
  )) {
    const labelled = e.getAttribute("aria-labelledby");
    const name =
      e.getAttribute("aria-label") ??
      (labelled ? document.getElementById(labelled)?.textContent : undefined) ??
      e.labels?.[0]?.textContent ??
      e.textContent;
    if (!name?.trim()) found.push(`no name: ${e.outerHTML.slice(0, 90)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) found.push(`id used twice: ${id}`);
  for (const e of visible("[role=row]")) {
    if (![...e.children].every((cell) => ["gridcell", "columnheader"].includes(cell.getAttribute("role"))))
      found.push("a row with other than cells");
  }
  for (const e of visible("[aria-controls], [aria-describedby]")) {
    for (const id of `${e.getAttribute("aria-controls") ?? ""} ${e.getAttribute("aria-describedby") ?? ""}`
      .split(" ")
      .filter(Boolean)) {
      if (!document.getElementById(id)) found.push(`refers to nothing: ${id}`);
    }
  }
  if (document.querySelectorAll("h1").length !== 1 || document.querySelectorAll("main").length !== 1)
    found.push("one h1 and one main");
  if (document.documentElement.lang !== "en") found.push("no language");
  return found;
}

for (const colorScheme of ["light", "dark"]) {
  test(`everything is legible and named, ${colorScheme}`, async () => {
    const page = await Page.open(browser, data.view, { colorScheme });
    await page.total(data.count);
    await page.row(1).click();
    await page.drawer.waitFor();
    await page.page
      .getByRole("navigation")
      .getByRole("button", { name: /service\.name$/ })
      .first()
      .click();
    await page.page.locator(".facet-values li").first().waitFor();
    await page.page.mouse.move(5, 400);
    await page.picture(colorScheme);
    assert.deepEqual(await page.page.evaluate(lowContrast), []);
    assert.deepEqual(await page.page.evaluate(faults), []);
    const dark = await page.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(Number(/\d+/.exec(dark)[0]) < 60, colorScheme === "dark", dark);
    await page.close();
  });
}

test("the chosen theme stays, whatever the system says", async () => {
  const page = await Page.open(browser, data.view, { colorScheme: "light" });
  await page.total(data.count);
  await page.page.getByRole("button", { name: "Theme: as the system" }).click();
  await page.page.getByRole("button", { name: "Theme: light" }).click();
  await page.page.getByRole("button", { name: "Theme: dark" }).waitFor();
  await page.page.reload();
  await page.total(data.count);
  assert.match(await page.page.evaluate(() => getComputedStyle(document.body).backgroundColor), /rgb\(1?\d, /);
  await page.close();
});

test("log text is text: markup is shown, not run; colours of terminals are colours", async () => {
  const markup = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>';
  await ingest([
    {
      "@timestamp": data.range.end.replace(".000Z", ".500Z"),
      message: `${markup} \u001b[31mred\u001b[0m plain`,
      [`<b>${data.run}</b>`]: markup,
      run: data.run,
      level: "SEVERE",
    },
  ]);
  const end = new Date(Date.parse(data.range.end) + 1_000).toISOString();
  await eventually(
    "the line is searchable",
    async () => (await countOf({ q: data.q, start: data.range.start, end })) === data.count + 1,
  );
  const page = await Page.open(browser, { ...data.view, to: end });
  await page.total(data.count + 1);
  assert.match(await page.row(0).innerText(), /<img src=x onerror="globalThis\.pwned=1"><script>.*red plain/);
  assert.equal(await page.row(0).locator(".ansi-31").innerText(), "red");
  assert.equal(
    await page.row(0).locator(".cell-level").innerText(),
    "error",
    "a script's own level field is understood",
  );
  await page.row(0).click();
  await page.drawer.waitFor();
  assert.equal(await page.page.evaluate(() => globalThis.pwned), undefined);
  assert.equal(await page.page.locator("img").count(), 0);
  await page.close();
});

test("the page is served to be cached and locked down", async () => {
  const index = await fetch(`${URL_BASE}/`);
  const policy = index.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src '(?:none|self)'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(index.headers.get("cache-control"), "no-cache");
  const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(await index.text())?.[1];
  assert.ok(script, "a built page, not the note that says how to build it");
  const asset = await fetch(`${URL_BASE}/${script}`);
  assert.match(asset.headers.get("cache-control"), /immutable/);
  const again = await fetch(`${URL_BASE}/${script}`, { headers: { "If-None-Match": asset.headers.get("etag") } });
  assert.equal(again.status, 304);
  assert.ok((await asset.arrayBuffer()).byteLength < 250_000);
});
