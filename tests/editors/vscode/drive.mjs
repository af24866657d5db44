// Does in VS Code, in a browser, what a person does. Arguments: the address, the folder, a file in it, a folder for
// pictures. Writes what is seen to stdout, as JSON.

import { chromium } from "playwright-core";

const [address, folder, name, pictures] = process.argv.slice(2);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PATIENCE = 60_000;
const seen = {};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
try {
  const page = await browser.newPage({ viewport: { width: 900, height: 520 } });
  page.setDefaultTimeout(PATIENCE);
  const file = `vscode-remote://${new URL(address).host}${folder}/${name}`;
  const payload = encodeURIComponent(JSON.stringify([["openFile", file]]));
  await page.goto(`${address}/?folder=${encodeURIComponent(folder)}&payload=${payload}`);
  await page.waitForSelector(".view-lines .view-line");
  const { keyboard } = page;
  const lines = () => page.locator(".view-lines .view-line").allInnerTexts();
  const text = async () => (await lines()).join("\n").replaceAll("\u00a0", " ");
  const until = async (what, condition) => {
    const end = Date.now() + PATIENCE;
    while (!(await condition())) {
      if (Date.now() > end) throw new Error(`never seen: ${what}; ${await text()}`);
      await page.waitForTimeout(50);
    }
  };
  const goTo = async (place) => {
    await keyboard.press("Control+g");
    await page.waitForSelector(".quick-input-widget .monaco-inputbox input");
    await keyboard.type(place);
    await keyboard.press("Enter");
    await page.waitForSelector(".quick-input-widget", { state: "hidden" });
  };
  const picture = (name) => page.screenshot({ path: `${pictures}/${name}.png` });

  await page.waitForSelector(".squiggly-error");
  seen.fault = true;
  seen.tokens = await page.evaluate(
    () => [...new Set([...document.querySelectorAll(".view-line span span")].map((each) => each.className))].length,
  );

  await goTo("6:41");
  const offered = page.locator(".suggest-widget.visible .monaco-list-row");
  await until("a completion", async () => {
    await keyboard.press("Control+Space"); // not the first time, if the editor does not have the focus yet
    await page.waitForTimeout(3000);
    return (await text()).includes("receiver]") || (await offered.count()) > 0;
  });
  await picture("completion");
  seen.completions = await offered.locator(".label-name").allInnerTexts();
  if (seen.completions.length > 0) await keyboard.press("Enter");
  await until("the completion", async () => (await text()).includes("backend.receiver]"));

  await until("the second fault", async () => (await page.locator(".squiggly-error").count()) === 1);
  await goTo("3:8");
  await keyboard.press("Control+k");
  await keyboard.press("Control+i");
  await page.waitForSelector(".monaco-hover:not(.hidden) .hover-contents");
  seen.hover = await page.locator(".monaco-hover:not(.hidden) .hover-contents").allInnerTexts();
  await picture("hover");
  await keyboard.press("Escape");

  await keyboard.press("Control+.");
  await page.waitForSelector(".action-widget .action-item, .action-widget .monaco-list-row");
  seen.actions = await page.locator(".action-widget .monaco-list-row").allInnerTexts();
  await picture("quick-fix");
  await keyboard.press("Enter");
  await until("the quick fix", async () => (await text()).includes("listen_address"));
  await until("a file without faults", async () => (await page.locator(".squiggly-error").count()) === 0);

  const lens = page.locator(".codelens-decoration a", { hasText: "1 reference" });
  await until("a lens", async () => (await lens.count()) > 0);
  await lens.first().click();
  await page.waitForSelector(".peekview-widget .ref-tree .monaco-list-row");
  seen.references = await page.locator(".peekview-widget .ref-tree .monaco-list-row").allInnerTexts();
  await picture("references");
  await keyboard.press("Escape");
  await page.waitForSelector(".peekview-widget", { state: "detached" });

  await goTo("9:20");
  await keyboard.press("F2");
  await page.waitForSelector(".rename-box input:focus");
  await keyboard.press("Control+a");
  await keyboard.type("store");
  await keyboard.press("Enter");
  await until("the new name", async () => (await text()).split("store").length === 3);

  await keyboard.press("Control+Shift+i");
  await until("formatting", async () => (await text()).includes("listen_port    = 9999"));
  await keyboard.press("Control+s");
  await until("saving", async () => (await page.locator(".tab.active.dirty").count()) === 0);
  await picture("mended");
} catch (error) {
  seen.error = String(error);
  for (const page of browser.contexts().flatMap((each) => each.pages())) {
    await page.screenshot({ path: `${pictures}/error.png` });
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(seen));
