// @ts-check
/** What the scripts of several pages share. Texts enter a page only as text, never as markup. */

/**
 * An element.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] strings are attributes, functions are listeners
 *   (`{ click: ... }`), true stands without a value, false and null are left out
 * @param {...(Node | string | number | null | undefined)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name, /** @type {EventListener} */ (value));
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  for (const child of children) {
    if (child !== null && child !== undefined) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
  return element;
}

/**
 * The address of a page or an API, given relative to the first page.
 * @param {string} path
 * @returns {URL}
 */
export function address(path) {
  return new URL(path, document.baseURI);
}

/**
 * The JSON that an API answers. Throws an Error with a sentence for people.
 * @param {string} path relative to the first page
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function fetchJson(path, options) {
  let response;
  try {
    response = await fetch(address(path), options);
  } catch {
    throw new Error("alloypy does not answer; is it still running?");
  }
  if (!response.ok) {
    throw new Error(`alloypy answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  }
  return response.json();
}

/**
 * The data that the server put into the page.
 * @param {string} [id]
 * @returns {any}
 */
export function pageData(id = "data") {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}

/**
 * The element that the page is known to have.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`the page has no element ${id}`);
  }
  return found;
}

/**
 * A rate as people read it; a dash if it is not known.
 * @param {number | null | undefined} value
 */
export function perSecond(value) {
  if (value === null || value === undefined) {
    return "–";
  }
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(2)));
}

/** @type {{ keys: string, does: string, run: (event: KeyboardEvent) => boolean | void }[]} */
const shortcuts = [];

/**
 * Have keys do something while no field is being edited.
 * @param {string} keys as in KeyboardEvent.key, several separated by spaces
 * @param {string} does for the help
 * @param {(event: KeyboardEvent) => boolean | void} run returns false to leave the key to the browser
 */
export function shortcut(keys, does, run) {
  shortcuts.push({ keys, does, run });
}

/** Show the keys of this page, or hide them. */
function toggleHelp() {
  const open = document.querySelector("dialog.help");
  if (open instanceof HTMLDialogElement) {
    open.close();
    return;
  }
  const rows = shortcuts.map((each) =>
    h("tr", {}, h("th", { scope: "row" }, ...each.keys.split(" ").map((key) => h("kbd", {}, key))), h("td", {}, each.does)),
  );
  const dialog = /** @type {HTMLDialogElement} */ (
    h("dialog", { class: "help", "aria-labelledby": "help-title" }, h("h2", { id: "help-title" }, "Keys"), h("table", {}, h("tbody", {}, ...rows)))
  );
  dialog.append(h("form", { method: "dialog" }, h("button", {}, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

shortcut("?", "Show or hide these keys", toggleHelp);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) {
    return;
  }
  const target = event.target;
  const editing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  if (editing || (document.querySelector("dialog[open]") && event.key !== "?")) {
    return;
  }
  for (const each of shortcuts) {
    if (each.keys.split(" ").includes(event.key)) {
      if (each.run(event) !== false) {
        event.preventDefault();
      }
      return;
    }
  }
});
