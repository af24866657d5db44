/**
 * Uses the pages in Chromium as a person does: `visit.mjs NODE_MODULES CHROMIUM ADDRESS SEND PAYLOADS` prints what
 * was seen.
 *
 * ADDRESS: of the admin server, with its prefix. SEND: an address to which a profile can be sent. PAYLOADS: texts that
 * would run scripts as markup, as JSON.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { pprof } from "./support.mjs";

const [modules, executablePath, address, send, given] = process.argv.slice(2);
const payloads = JSON.parse(given);
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Texts of the elements that are shown. */
const texts = (page, selector) =>
  page.$$eval(selector, (found) =>
    found.filter((each) => each.offsetParent !== null || each instanceof SVGElement).map((each) => each.textContent.trim()),
  );

const sendProfile = (name) => fetch(`${send}/ingest?name=${name}`, { method: "POST", body: "main;work 10\nmain;idle 5\n" });

/** What becomes of the last row while the window is too low for it: laid out, exposed to screen readers, found in the page. */
async function outOfSight(page) {
  const { width, height } = page.viewportSize();
  await page.setViewportSize({ width, height: 40 });
  await page.waitForTimeout(200);
  const last = "#components tr[data-id]:last-child a";
  const name = (await page.$$eval(last, (all) => all.map((each) => each.textContent))).pop();
  const drawn = await page.$$eval(last, (all) => all.pop().checkVisibility({ contentVisibilityAuto: true }));
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const exposed = (role) => nodes.filter((each) => !each.ignored && each.role.value === role);
  const cells = exposed("row").pop().childIds.length;
  const links = exposed("link").map((each) => each.name.value);
  const found = await page.evaluate((text) => find(text), name);
  await page.evaluate(() => getSelection().removeAllRanges());
  await page.setViewportSize({ width, height });
  return { drawn, cells, linked: links.includes(name), columns: exposed("columnheader").length, found };
}

/** How many of 154 rows are shown as filters come and go: those that come back in sight do so at once, the others later. */
async function manyRows(context) {
  const page = await context.newPage();
  await page.route(address, async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace(/<tr data-id.*?<\/tr>/s, (row) => row.repeat(150));
    await route.fulfill({ response: answer, body });
  });
  await page.goto(address);
  const found = await page.evaluate(async () => {
    const filter = document.getElementById("filter");
    const count = () => document.querySelectorAll("#components tbody:not([hidden]) tr[data-id]:not([hidden])").length;
    const type = (text) => {
      filter.value = text;
      filter.dispatchEvent(new Event("input"));
      return count();
    };
    const later = () => new Promise((then) => setTimeout(() => then(count()), 300));
    const counts = [type("none has this"), type(""), await later(), type("none has this")];
    type("");
    return [...counts, type("none has this"), await later()];
  });
  await page.close();
  return found;
}

/** What a person does on each page, and what they then see. */
const PAGES = {
  "": async (page) => {
    const rows = "#components tbody tr[data-id] a";
    const unseen = await outOfSight(page);
    const many = await manyRows(page.context());
    const all = await texts(page, rows);
    await page.keyboard.press("/");
    const focused = await page.evaluate("document.activeElement.id");
    await page.keyboard.type("write inner");
    await page.waitForFunction(() => document.querySelectorAll("#components tbody tr[data-id]:not([hidden])").length === 1);
    const filtered = await texts(page, rows);
    await page.waitForFunction(() => location.search.includes("write"));
    await page.keyboard.press("ArrowDown");
    const next = await page.evaluate("document.activeElement.textContent");
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("Escape");
    await page.click("th a[data-sort=name]");
    await page.waitForURL(/sort=name/);
    await page.selectOption("#group", "kind");
    await page.waitForURL(/group=kind/);
    const kept = [await texts(page, rows), await texts(page, "tr.group"), await page.getAttribute("th:has(a[data-sort=name])", "aria-sort")];
    return { unseen, many, all, focused, filtered, next, kept };
  },
  "component/pyroscope.relabel.rules": async (page) => ({
    title: await texts(page, "h1"),
    sections: await texts(page, "h2"),
    text: await page.innerText("main"),
  }),
  graph: async (page) => {
    await page.goto(`${address}component/pyroscope.relabel.rules`);
    await page.click("#facts a[href^='graph#']");
    await page.waitForSelector("svg g.chosen");
    const chosen = await page.$$eval("svg g.chosen", (found) => found.map((each) => each.dataset.id));
    return { chosen, nodes: await texts(page, "svg a text"), text: await page.innerText("main") };
  },
  live: async (page) => {
    await page.waitForSelector("#rows", { state: "attached" });
    const sending = setInterval(() => ["kept", "dropped"].forEach(sendProfile), 200);
    try {
      for (const verdict of ["sent", "dropped by"])
        await page.waitForFunction((words) => document.getElementById("rows").innerText.includes(words), verdict);
      await page.fill("#match", '{service_name="kept"}');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => {
        const rows = document.getElementById("rows").innerText;
        return rows.includes("kept") && !rows.includes("dropped by");
      });
      await page.click("#rows tr:first-child input[type=checkbox]");
      const pressed = await page.getAttribute("#pause", "aria-pressed");
      const selected = await page.innerText("#selected");
      const link = await page.getAttribute("#rows a[href*='flame?p=']", "href");
      const graph = await flameGraph(page.context(), link);
      return { pressed, selected, link, graph, match: await page.evaluate("new URLSearchParams(location.search).get('match')") };
    } finally {
      clearInterval(sending);
    }
  },
  flame: async (page) => ({ text: await page.innerText("main") }),
  modules: async (page) => ({ text: await page.innerText("main") }),
  config: async (page) => ({ text: await page.innerText("main"), forms: await texts(page, "form button") }),
  about: async (page) => ({ text: await page.innerText("main") }),
};

/** The flame graph of a profile, in a tab of its own: the profile is held while the other one looks. */
async function flameGraph(context, link) {
  const page = await context.newPage();
  await page.goto(address + link);
  await page.waitForSelector("#flame canvas");
  await page.waitForFunction(() => document.querySelectorAll("main table tbody tr").length > 1);
  await page.focus("#flame canvas");
  await page.keyboard.press("ArrowDown");
  const found = { text: await page.innerText("main"), light: await violations(page) };
  await page.emulateMedia({ colorScheme: "dark" });
  found.dark = await violations(page);
  await page.close();
  return found;
}

/** A profile with a text as a label and as the name of a function. */
function sendHostile(text) {
  const rawProfile = Buffer.from(pprof({ types: [["cpu", "count"]], samples: [{ stack: ["main", text], values: [1] }] })).toString("base64");
  const labels = [["__name__", text], ["service_name", "hostile"], ["note", text]].map(([name, value]) => ({ name, value }));
  const body = JSON.stringify({ series: [{ labels, samples: [{ rawProfile }] }] });
  return fetch(`${send}/push.v1.PusherService/Push`, { method: "POST", headers: { "content-type": "application/json" }, body });
}

/** Which of the payloads a page shows as text, and what of them it has taken for markup. */
const shownOf = async (page, selector) => {
  const text = await page.$eval(selector, (each) => each.textContent);
  const quoted = (payload) => JSON.stringify(payload).slice(1, -1);
  return {
    missing: payloads.filter((payload) => !text.includes(payload) && !text.includes(quoted(payload))),
    markup: await page.$$eval("main :is(script:not([type='application/json']), img, iframe, svg, [onload], [onerror], [onmouseover])", (found) =>
      found.map((each) => each.outerHTML)),
  };
};

/** What the live page and the flame graph of received profiles make of payloads. */
async function hostile(page) {
  await page.goto(`${address}live?show=received,sent&match={service_name="hostile"}`);
  await page.waitForFunction(() => document.getElementById("counts").textContent.includes("seen"));
  const statuses = [];
  for (const payload of payloads) statuses.push((await sendHostile(payload)).status);
  await page.waitForFunction((count) => document.querySelectorAll("#rows td.sent").length === count, payloads.length);
  await page.$$eval("#rows details", (all) => all.forEach((each) => (each.open = true)));
  const live = await shownOf(page, "#rows");
  const links = await page.$$eval("#rows tr:has(td.sent) a[href*='flame?p=']", (found) => found.map((each) => new URL(each.href).search.slice(1)));
  const flame = await page.context().newPage();
  await flame.goto(`${address}flame?${links.join("&")}`);
  await flame.waitForFunction((count) => document.querySelectorAll("#table tbody tr").length > count, payloads.length);
  await flame.fill("#search", "alert");
  const merged = await shownOf(flame, "#table");
  const single = [];
  for (const link of links.slice(0, 2)) {
    await flame.goto(`${address}flame?${link}`);
    await flame.waitForFunction(() => document.getElementById("about").textContent.includes("hostile"));
    single.push((await shownOf(flame, "main")).markup);
  }
  return { statuses, live, merged, single };
}

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((each) => each.target).join(", ")}`);
}

async function visit(browser, path, act) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
  const page = await context.newPage();
  const errors = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => errors.push(`a script ran: ${dialog.message()}`) && dialog.dismiss());
  page.on("response", (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.url()}`));
  const answer = await page.goto(address + path);
  const result = { status: answer.status(), policy: answer.headers()["content-security-policy"] ?? "" };
  result.seen = await act(page);
  result.light = await violations(page);
  await page.emulateMedia({ colorScheme: "dark" });
  result.dark = await violations(page);
  await page.setViewportSize({ width: 320, height: 700 });
  result.narrow = await page.evaluate("document.documentElement.scrollWidth");
  result.broken = await page.$$eval("thead th", (headings) => headings.map((each) => {
    const words = document.createRange();
    words.selectNodeContents(document.createTreeWalker(each, NodeFilter.SHOW_TEXT).nextNode() ?? each);
    return [each.textContent.trim(), words.getClientRects().length];
  }).filter(([text, lines]) => lines > text.split(/\s/).length));
  result.links = await page.$$eval("a[href]", (found) => found.map((each) => new URL(each.getAttribute("href"), document.baseURI).href));
  await context.close();
  return { ...result, errors };
}

const context = async (browser, errors) => {
  const found = await browser.newContext();
  found.on("dialog", (dialog) => errors.push(`a script ran: ${dialog.message()}`) && dialog.dismiss());
  found.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  return found;
};

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--force-renderer-accessibility"] });
const results = {};
for (const [path, act] of Object.entries(PAGES)) {
  try {
    results[path] = await visit(browser, path, act);
  } catch (error) {
    results[path] = { failed: String(error) };
  }
}
try {
  const errors = [];
  const page = await (await context(browser, errors)).newPage();
  results.hostile = { ...(await hostile(page)), errors };
} catch (error) {
  results.hostile = { failed: String(error) };
}
await browser.close();
process.stdout.write(JSON.stringify(results));
