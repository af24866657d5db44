// @ts-check
/** What the scripts of several pages share. Texts enter a page only as text, never as markup. */

/**
 * An element.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] strings are attributes, functions are listeners
 *   (`{ click: ... }`), true stands without a value, false and null are left out
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name, /** @type {EventListener} */ (value));
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * The JSON that an API answers. Throws an Error with a sentence for people.
 * @param {string} path relative to the first page, as all addresses are: `<base>` says so @returns {Promise<any>}
 */
async function fetchJson(path) {
  let response;
  try {
    response = await fetch(path);
  } catch {
    throw new Error("alloypy does not answer; is it still running?");
  }
  if (!response.ok) throw new Error(`alloypy answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  return response.json();
}

/** The element that the page is known to have. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}

/** A whole number as people read it. Without Intl, which takes 14 ms when first used. @param {number} value */
export const counted = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** A rate as people read it; a dash if it is not known. @param {number | null | undefined} value */
export function perSecond(value) {
  if (value === null || value === undefined) return "–";
  return value >= 100 || Number.isInteger(value) ? counted(Math.round(value)) : String(Number(value.toPrecision(2)));
}

/** A sign for each state of health, so that none is told by its colour alone. @type {Record<string, string>} */
const SIGNS = { healthy: "●", unknown: "○", unhealthy: "▲", exited: "■" };

/** Show a state of health. @param {Element} badge @param {Element} told its message and age @param {any} state */
export function showHealth(badge, told, { health, message, since }) {
  const seconds = Math.max(0, Date.now() / 1000 - since);
  const at = [86_400, 3600, 60, 0].findIndex((each) => seconds >= 2 * each);
  const ago = ` (${Math.floor(seconds / [86_400, 3600, 60, 1][at])} ${["d", "h", "min", "s"][at]} ago)`;
  if (told.textContent === message + ago && badge.classList.contains(health)) return;
  badge.className = `health ${health}`;
  badge.replaceChildren(h("span", { "aria-hidden": "true" }, SIGNS[health]), ` ${health}`);
  told.replaceChildren(message, h("span", { class: "weak" }, ago));
}

const EVERY_MS = 2000; // pages are fresh when they come

/**
 * Keep a page up to date while it is visible. What went wrong, or makes the page useless, is noted above an element.
 * @param {string} path of the API @param {HTMLElement} place
 * @param {(answer: any) => boolean} update returns false if only loading the page anew can show the answer
 */
export async function keepFresh(path, place, update) {
  await new Promise((then) => setTimeout(then, EVERY_MS));
  if (document.visibilityState === "visible") {
    try {
      note(place, update(await fetchJson(path)) ? "" : "The components have changed. ", "Show them");
    } catch (error) {
      note(place, `${error instanceof Error ? error.message : error} `, "Try again");
    }
  }
  keepFresh(path, place, update);
}

/** @param {HTMLElement} place @param {string} text empty for none @param {string} action */
function note(place, text, action) {
  const shown = document.getElementById("notice");
  if ((shown?.firstChild?.textContent ?? "") === text) return;
  shown?.remove();
  if (text) {
    const link = h("a", { href: location.href.split("#")[0] }, action);
    place.before(h("p", { id: "notice", class: "note", role: "status" }, text, link));
  }
}

/** @type {Shortcut[]} */
const shortcuts = [];

/**
 * Have keys do something while no field is being edited. @param {string} keys separated by spaces
 * @param {string} does for the help @param {Shortcut["run"]} run
 */
export function shortcut(keys, does, run) {
  shortcuts.push({ keys, does, run });
}

/** Show the keys of this page, or hide them. */
function toggleHelp() {
  const open = document.querySelector("dialog.help");
  if (open instanceof HTMLDialogElement) return open.close();
  const rows = shortcuts.map((each) =>
    h("tr", {}, h("th", { scope: "row" }, ...each.keys.split(" ").map((key) => h("kbd", {}, key))), h("td", {}, each.does)),
  );
  const dialog = /** @type {HTMLDialogElement} */ (
    h("dialog", { class: "help", "aria-labelledby": "help-title" }, h("h2", { id: "help-title" }, "Keys"), h("table", {}, h("tbody", {}, ...rows)))
  );
  dialog.append(h("form", { method: "dialog" }, h("button", {}, "Close")));
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}

shortcut("?", "Show or hide these keys", toggleHelp);
document.onkeydown = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target;
  const editing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  if (editing || (document.querySelector("dialog[open]") && event.key !== "?")) return;
  const wanted = shortcuts.find((each) => each.keys.split(" ").includes(event.key));
  if (wanted && wanted.run(event) !== false) event.preventDefault();
};
