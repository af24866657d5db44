/**
 * Pictures of the pages for the documentation: `screenshots.mjs NODE_MODULES CHROMIUM ADDRESS SEND VIEW FOLDER`.
 *
 * ADDRESS: of the admin server. SEND: where profiles can be sent. VIEW: of `alloypy view` with a profile, and two to compare.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, executablePath, address, send, view, folder] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
const profile = readFileSync(new URL("../../examples/demo/checkout.pprof", import.meta.url));

const sendProfiles = () =>
  Promise.all(
    ["checkout", "cart", "dropped"].map((name) =>
      fetch(`${send}/ingest?name=${name}{env=prod}&format=pprof`, { method: "POST", body: profile }),
    ),
  );

const drawn = (page) => page.waitForFunction(() => document.querySelectorAll("main table tbody tr").length > 3);

/** Name, colour scheme, address, and what to wait for. */
const PICTURES = [
  ["components", "light", address, (page) => page.waitForTimeout(2500)],
  ["component", "light", `${address}component/pyroscope.relabel.rules`, (page) => page.waitForTimeout(2500)],
  ["graph", "light", `${address}graph`, (page) => page.waitForTimeout(2500)],
  ["live", "dark", `${address}live`, (page) => page.waitForFunction(() => document.querySelectorAll("#rows tr").length > 12)],
  ["configuration", "light", `${address}config`, (page) => page.waitForTimeout(1000)],
  ["flame", "light", `${view}flame?p=0`, drawn],
  ["flame-diff", "dark", `${view}flame?a=1&b=2`, drawn],
];

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-lcd-text", "--font-render-hinting=none"] });
const sending = setInterval(sendProfiles, 150);
for (const [name, colorScheme, url, ready] of PICTURES) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 560 }, colorScheme });
  await page.goto(url);
  await ready(page);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.close();
}
clearInterval(sending);
await browser.close();
