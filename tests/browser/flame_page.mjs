/** Uses the flame page in Chromium as a person does; `flame_page.mjs NODE_MODULES CHROMIUM ADDRESS` prints JSON. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, executablePath, root] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
const axe = readFileSync(`${modules}/axe-core/axe.min.js`, "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const faults = [];
const seen = {};

async function open(query, colorScheme = "light", width = 1440) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  page.on("pageerror", (fault) => faults.push(String(fault)));
  page.on("dialog", (dialog) => faults.push(`dialog: ${dialog.message()}`));
  await page.goto(`${root}flame?${query}`);
  await page.waitForFunction(() => ["graphs", "refusal"].some((id) => !document.getElementById(id).hidden), null, { timeout: 60_000 });
  return page;
}

const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))));

/** Waits until what is in the page is as wanted; answers what is there then, or after a while. */
async function text(page, selector, wanted) {
  const is = ([where, part]) => document.querySelector(where)?.textContent.includes(part);
  await page.waitForFunction(is, [selector, wanted], { timeout: 20_000 }).catch(() => {});
  return page.textContent(selector);
}

async function violations(page) {
  await page.evaluate(`${axe};0`); // past the policy of the page, as DevTools is
  return page.evaluate(async () => (await globalThis.axe.run()).violations.map((each) => `${each.id}: ${each.nodes[0].html}`));
}

async function download(page, selector) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
  return [file.suggestedFilename(), readFileSync(await file.path()).toString("latin1")];
}

const page = await open("p=0");
seen.about = await text(page, "#about", "146 samples");
await page.waitForSelector("#table tbody tr");
seen.rows = await page.$$eval("#table tbody tr", (rows) => rows.length);
seen.first = await page.$eval("#table tbody tr", (row) => [...row.children].map((cell) => cell.title || cell.textContent));
await page.keyboard.press("/");
await page.keyboard.type("SORT*func");
seen.matched = await text(page, "#matched", "%");
seen.filtered = await text(page, "#table caption", "functions");
await page.keyboard.press("Enter");
seen.match = await text(page, "#status", "sort");
await page.keyboard.press("Home");
for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
seen.walked = await text(page, "#status", "handleCheckout");
await page.keyboard.press("Enter");
await settled(page);
await page.keyboard.press("s");
seen.between = await text(page, "#function", "handleCheckout");
await settled(page);
seen.violations = await violations(page);
const again = await open(page.url().split("?")[1]);
seen.link = [await again.textContent("#function"), await again.inputValue("#search"), await again.textContent("#matched")];
await page.goBack();
await page.waitForFunction(() => document.getElementById("sandwich").hidden);
seen.svg = await download(page, "#svg");
seen.pprof = (await download(page, "#pprof"))[1].length;
await page.keyboard.press("?");
seen.help = await page.textContent("dialog");

const diff = await open("a=1&b=2", "dark");
await diff.waitForSelector("#table tbody tr");
seen.changes = await diff.$$eval("#table tbody tr", (rows) => rows.map((row) => [row.children[0].textContent, row.children[3].textContent]));
seen.darkViolations = await violations(diff);
await diff.check("#gone");
seen.gone = await text(diff, "#table caption", "2 functions");
await diff.click("text=Swap");
seen.swapped = await text(diff, "#title", "compared");

const merged = await open("p=1&p=2", "light", 320);
await merged.waitForSelector("#table tbody tr");
seen.merged = await merged.$eval("#table tbody tr td", (cell) => cell.title);
seen.overflow = await merged.evaluate(() => document.documentElement.scrollWidth);
for (const [name, query] of [["jfr", "p=3"], ["damaged", "p=4"], ["none", "p=99"]]) {
  seen[name] = await text(await open(query), "#refusal", ".");
}
await browser.close();
process.stdout.write(JSON.stringify({ ...seen, faults }));
