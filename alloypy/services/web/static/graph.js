// @ts-check
/** The graph page: what feeds a component and what it feeds is highlighted; rates and health are kept up to date. */
import { byId, h, keepFresh, shortcut } from "./common.js";

const drawing = document.querySelector("#graph svg");
const chosen = byId("chosen");

/** @param {string} selector @returns {SVGGElement[]} */
const all = (selector) => [...(drawing?.querySelectorAll(selector) ?? [])].map((each) => /** @type {SVGGElement} */ (each));
const boxes = new Map(all("g.box").map((box) => [box.dataset.id ?? "", box]));
const arrows = all("g.arrow");

/** @param {string} from @param {"from" | "to"} end @param {"from" | "to"} other */
function reached(from, end, other) {
  const found = new Set([from]);
  for (const name of found) {
    for (const arrow of arrows) if (arrow.dataset[end] === name) found.add(arrow.dataset[other] ?? "");
  }
  return found;
}

/** Highlight what feeds a box and what it feeds; nothing for an empty id. @param {string} id */
function choose(id) {
  const fed = id ? reached(id, "from", "to") : new Set();
  const feeding = id ? reached(id, "to", "from") : new Set();
  for (const [name, box] of boxes) {
    box.classList.toggle("faded", id !== "" && !fed.has(name) && !feeding.has(name));
    box.classList.toggle("chosen", name === id);
  }
  for (const arrow of arrows) {
    const { from, to } = arrow.dataset;
    const on = (fed.has(from) && fed.has(to)) || (feeding.has(from) && feeding.has(to));
    arrow.classList.toggle("faded", id !== "" && !on);
  }
  chosen.replaceChildren();
  const link = boxes.get(id)?.querySelector("a")?.getAttribute("href");
  if (link) chosen.append(`${feeding.size - 1} upstream, ${fed.size - 1} downstream `, h("a", { href: link }, `Open ${id}`));
  history.replaceState(null, "", `${location.pathname}${location.search}${id ? `#${encodeURIComponent(id)}` : ""}`);
}

drawing?.addEventListener("click", (event) => {
  const { ctrlKey, metaKey, shiftKey, target } = /** @type {MouseEvent} */ (event);
  const box = target instanceof Element ? target.closest("g.box") : null;
  if (box instanceof SVGGElement && !ctrlKey && !metaKey && !shiftKey && !getSelection()?.toString()) {
    event.preventDefault();
    const id = box.dataset.id ?? "";
    choose(box.classList.contains("chosen") ? "" : id);
  } else if (target === drawing) {
    choose("");
  }
});

shortcut("Escape", "Highlight nothing", () => choose(""));
shortcut("o", "Open the highlighted component", () => {
  const link = chosen.querySelector("a");
  link?.click();
  return link !== null;
});

byId("pipeline").onchange = () => /** @type {HTMLFormElement} */ (byId("controls")).requestSubmit();
byId("apply").hidden = true;

/** @param {any} state */
function update(state) {
  const rates = new Map(state.rates.map((/** @type {string[]} */ [from, to, rate]) => [`${from} ${to}`, rate]));
  for (const arrow of arrows) {
    const rate = rates.get(`${arrow.dataset.from} ${arrow.dataset.to}`);
    const text = arrow.querySelector("text");
    if (text) text.textContent = rate === undefined ? "" : `${rate}/s`;
  }
  for (const [id, box] of boxes) {
    const message = state.unhealthy[id];
    box.classList.toggle("is-unhealthy", message !== undefined);
    const title = box.querySelector("title");
    if (title) {
      const lines = (title.textContent ?? "").split("\n").filter((line) => !line.startsWith("unhealthy: "));
      title.textContent = [...lines, ...(message === undefined ? [] : [`unhealthy: ${message}`])].join("\n");
    }
  }
  return state.ids.length === boxes.size && state.ids.every((/** @type {string} */ id) => boxes.has(id));
}

if (drawing) {
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (boxes.has(wanted)) choose(wanted);
  const shown = byId("graph");
  keepFresh(`api/v0/alloypy/graph?${shown.dataset.query ?? ""}`, shown, update);
}
