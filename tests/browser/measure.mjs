/** Opens pages in Chromium and measures them: `measure.mjs NODE_MODULES CHROMIUM ADDRESS...` prints JSON. */

import { createRequire } from "node:module";

const [modules, executablePath, ...addresses] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
const args = ["--no-sandbox", "--enable-precise-memory-info", "--disable-gpu"];

/** Seconds of CPU of the busiest renderer. */
async function rendererSeconds(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return Math.max(...processInfo.filter((each) => each.type === "renderer").map((each) => each.cpuTime));
}

const shown = () => {
  const [graphs, refusal] = ["graphs", "refusal"].map((id) => document.getElementById(id));
  return !graphs || !graphs.hidden || !refusal.hidden;
};

/** Milliseconds from a change to the picture of it. */
const timed = (act) => `new Promise((done) => { const began = performance.now(); ${act};
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) })`;

async function measure(address) {
  const browser = await chromium.launch({ executablePath, args });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.addInitScript(() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
    }).observe({ type: "longtask", buffered: true });
  });
  await page.goto(address);
  await page.waitForFunction(shown, null, { timeout: 120_000, polling: 20 });
  await page.evaluate(timed(""));
  const wall = await page.evaluate("performance.now()");
  const seconds = await rendererSeconds(browser);
  const result = { address, wall: wall / 1000, cpu: seconds, longest: await page.evaluate("longest") };
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  result.heap = (await session.send("Runtime.getHeapUsage")).usedSize;
  if (await page.$("#search")) {
    const input = "const box = document.getElementById('search'); box.value = WORD; box.dispatchEvent(new Event('input'))";
    result.search = await page.evaluate(timed(input.replace("WORD", "'cart*method1'")));
    await page.evaluate(timed(input.replace("WORD", "''")));
    const key = (name) => `document.querySelector('#flame canvas').dispatchEvent(new KeyboardEvent('keydown', { key: '${name}' }))`;
    for (const name of ["ArrowDown", "ArrowDown", "ArrowDown"]) await page.evaluate(key(name));
    result.zoom = await page.evaluate(timed(key("Enter")));
    result.about = await page.textContent("#about");
    result.refusal = await page.textContent("#refusal");
  }
  if (await page.$("#filter")) {
    const typed = (text) => `const box = document.getElementById('filter'); box.value = '${text}'; box.dispatchEvent(new Event('input'))`;
    const keys = [];
    for (const text of ["w", "wr", "wri", "writ", "write", ""]) keys.push(await page.evaluate(timed(typed(text))));
    result.search = Math.max(...keys);
  }
  await browser.close();
  return result;
}

const results = [];
for (const address of addresses) results.push(await measure(address));
process.stdout.write(JSON.stringify(results));
