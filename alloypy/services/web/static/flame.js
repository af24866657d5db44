// @ts-check
/** The flame page: one profile, several merged, or a diff of two. */

import { address, byId, h, pageData, shortcut } from "./common.js";
import { FlameCanvas } from "./flame-canvas.js";
import { changeColour } from "./flame-colours.js";
import { changeOf, hitsOf, layout, pathTo } from "./flame-layout.js";
import { readState, writeState } from "./flame-state.js";
import { flameSvg } from "./flame-svg.js";
import { FlameTable } from "./flame-table.js";
import { changeText, matcher, shareText, valueText } from "./flame-text.js";

/** @typedef {import("./flame-layout.js").Tree} Tree */

const page = pageData(); // where profiles are, which are shown, and what the server knows of them
/** @type {{id: string, side: string, url: string}[]} */
const sources = page.show.map((/** @type {{id: string, side: string}} */ each) => ({
  ...each, url: address(page.bodies + encodeURIComponent(each.id)).href }));
const diff = sources.some((each) => each.side);
let state = readState(location.hash);
/** @type {any} */
let loaded = null;
/** @type {any} */
let seen = null;
/** @type {Tree | null} */
let whole = null;

// The worker.
const worker = new Worker(new URL("./flame-worker.js", import.meta.url), { type: "module" });
/** @type {Map<number, {resolve: (answer: any) => void, reject: (fault: Error) => void}>} */
const waiting = new Map();
let asked = 0;
worker.onmessage = ({ data }) => {
  if (data.progress) return tell(data.progress);
  const one = waiting.get(data.number);
  waiting.delete(data.number);
  if (data.refusal !== undefined) one?.reject(new Error(data.refusal));
  else one?.resolve(data.answer);
};
worker.onerror = () => refuse("The script that decodes profiles did not start; reload the page.");

/** @param {string} wish @param {object} [about] @returns {Promise<any>} */
function ask(wish, about = {}) {
  const number = ++asked;
  worker.postMessage({ number, wish, ...about });
  return new Promise((resolve, reject) => waiting.set(number, { resolve, reject }));
}

/** @param {string} text */
function tell(text) {
  byId("status").textContent = text;
}

/** @param {string} sentence */
function refuse(sentence) {
  byId("refusal").hidden = false;
  byId("refusal").textContent = sentence;
  byId("graphs").hidden = byId("controls").hidden = true;
  tell("");
}

// The graphs.
const listener = (/** @type {() => FlameCanvas} */ graph) => ({
  zoomed: (/** @type {number} */ node) => zoomTo(graph(), node),
  chosen: (/** @type {number} */ node) => tell(describe(graph().tree, { node, rest: 0 })),
  pointed: (/** @type {any} */ box, /** @type {MouseEvent | null} */ event) => hint(graph(), box, event),
});
/** @type {FlameCanvas} */
const main = new FlameCanvas(byId("flame"), "Flame graph. Arrow keys move, Enter zooms, Escape shows all, slash searches, question mark helps.", listener(() => main));
/** @type {FlameCanvas} */
const callers = new FlameCanvas(byId("callers"), "What calls the function. Arrow keys move, Enter zooms.", listener(() => callers), true);
/** @type {FlameCanvas} */
const callees = new FlameCanvas(byId("callees"), "What the function calls. Arrow keys move, Enter zooms.", listener(() => callees));
const graphs = [main, callers, callees];
const table = new FlameTable(byId("table"), {
  open: (name) => change({ of: loaded.names[name] }, true),
  sorted: (sort) => change({ sort }),
});
const input = {
  type: /** @type {HTMLSelectElement} */ (byId("type")),
  group: /** @type {HTMLSelectElement} */ (byId("group")),
  search: /** @type {HTMLInputElement} */ (byId("search")),
  view: /** @type {HTMLSelectElement} */ (byId("view")),
  safe: /** @type {HTMLInputElement} */ (byId("safe")),
  gone: /** @type {HTMLInputElement} */ (byId("gone")),
};

const unit = () => loaded.types[chosenType()].unit;

function chosenType() {
  const wanted = state.type || loaded.read[loaded.read.length - 1].preferred;
  const at = loaded.types.findIndex((/** @type {{type: string}} */ each) => each.type === wanted);
  return at < 0 ? loaded.types.length - 1 : at;
}

/** A frame in a sentence. @param {Tree | null} tree @param {{node: number, rest: number}} box */
function describe(tree, { node, rest }) {
  if (!tree) return "";
  const value = tree.total[node];
  const { from, list } = tree.children;
  let below = 0;
  for (let i = from[node]; i < from[node + 1]; i++) below += tree.total[list[i]];
  const name = node === 0 ? "all" : tree.names[tree.name[node]];
  if (rest) return `${rest} calls of ${name} that are too narrow to be drawn; Enter or a click on ${name} shows them`;
  const parts = [`${name} — ${shareText(value, tree.whole)} total (${valueText(value, unit())})`];
  if (tree !== callers.tree) parts.push(`${shareText(value - below, tree.whole)} self (${valueText(value - below, unit())})`);
  const changed = changeOf(tree, node);
  if (tree.base) {
    const before = tree.wholeBase ? tree.base[node] / tree.wholeBase : 0;
    parts.push(changed === "new" ? "new in B" : `${shareText(tree.base[node], tree.wholeBase)} in A, change ${changeText((tree.whole ? value / tree.whole : 0) - before)} points`);
  }
  return parts.join(", ");
}

/** @param {FlameCanvas} graph @param {any} box @param {MouseEvent | null} event */
function hint(graph, box, event) {
  const tip = byId("tip");
  tip.hidden = !box;
  graph.canvas.style.cursor = box ? "pointer" : "";
  if (!box || !event) return;
  tip.textContent = describe(graph.tree, box);
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - width - 8))}px`;
  tip.style.top = `${event.clientY + 18 + height > innerHeight ? event.clientY - height - 8 : event.clientY + 18}px`;
}

/** @param {FlameCanvas} graph @param {number} node */
function zoomTo(graph, node) {
  if (!graph.tree) return;
  if (graph === main) change({ zoom: pathTo(graph.tree, node).slice(1).map((at) => loaded.names[loaded.name[at]]) }, true);
  else graph.zoomTo(node);
}

/** The node at the end of a path of names; the last one that exists. @param {Tree} tree @param {string[]} path */
function follow(tree, path) {
  let node = 0;
  for (const name of path) {
    const { from, list } = tree.children;
    const next = list.subarray(from[node], from[node + 1]).find((each) => tree.names[tree.name[each]] === name && tree.total[each] > 0);
    if (next === undefined) break;
    node = next;
  }
  return node;
}

// The state.
/** @param {Partial<import("./flame-state.js").State>} part @param {boolean} [step] one that "back" undoes */
function change(part, step = false) {
  const before = state;
  state = { ...state, ...part };
  const url = `${location.pathname}${location.search}#${writeState(state)}`;
  if (step) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  apply(before);
}

/** Show the state. @param {import("./flame-state.js").State | null} before what is shown */
async function apply(before) {
  const differs = (/** @type {(keyof typeof state)[]} */ ...keys) => keys.some((key) => !before || String(before[key]) !== String(state[key]));
  try {
    if (differs("group")) await load();
    if (!loaded.types.length) return;
    if (differs("group", "type", "gone")) await look();
    if (differs("group", "type", "gone", "of")) await between();
    if (differs("group", "type", "gone", "zoom")) main.zoomTo(follow(/** @type {Tree} */ (whole), state.zoom));
    if (differs("group", "type", "gone", "of", "search")) search();
    arrange();
  } catch (fault) {
    refuse(fault instanceof Error ? fault.message : String(fault));
  }
}

async function load() {
  tell("Decoding …");
  loaded = await ask("load", { sources, group: state.group });
  document.dispatchEvent(new Event("decoded"));
  if (!loaded.types.length) return recording();
  byId("notes").textContent = loaded.notes.join(" ");
  input.type.replaceChildren(...loaded.types.map((/** @type {{type: string}} */ { type }) => h("option", { value: type }, type)));
  input.group.replaceChildren(h("option", { value: "" }, "–"), ...loaded.keys.map((/** @type {string} */ key) => h("option", { value: key }, key)));
}

/** What Java's Flight Recorder has recorded is not decoded. */
function recording() {
  const [{ bytes, labels, id }] = loaded.read;
  refuse(`This is a recording of Java's Flight Recorder (JFR) of ${valueText(bytes, "bytes")}, which is not drawn here. JDK Mission Control, IntelliJ IDEA and speedscope open it.`);
  byId("refusal").append(" ", h("a", { href: sources[0].url, download: `${id}.jfr` }, "Download"));
  byId("about").textContent = labelsText(labels);
}

/** @param {Record<string, string>} labels */
const labelsText = (labels) => Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(", ");

/** Ask for the sums of the chosen sample type. */
async function look() {
  seen = await ask("view", { type: chosenType(), gone: state.gone });
  const { parent, name, children } = loaded;
  const [sum, before] = [seen.total[0], seen.base?.[0] ?? 0];
  whole = { names: loaded.names, parent, name, children, total: seen.total, base: seen.base, whole: sum, wholeBase: before, top: 0 };
  main.show(whole, 0);
  table.order = state.sort;
  table.show({ names: loaded.names, sums: seen.table, base: seen.baseTable, whole: sum, wholeBase: before, unit: unit() });
  const read = loaded.read;
  const samples = read.reduce((/** @type {number} */ all, /** @type {any} */ each) => all + each.samples, 0);
  const names = diff ? `${read[1].name || "B"} compared with ${read[0].name || "A"}` : read.length > 1 ? `${read.length} profiles merged` : read[0].name;
  const title = names || "Flame graph";
  byId("title").textContent = title;
  document.title = `${title} - alloypy`;
  const parts = [`${loaded.types[chosenType()].type} ${valueText(sum, unit())}`];
  if (diff && !state.gone) parts[0] += ` (A: ${valueText(before, unit())})`;
  parts.push(`${samples.toLocaleString("en")} samples`);
  if (read.length === 1 && read[0].seconds) parts.push(`over ${valueText(read[0].seconds, "seconds")}`);
  if (read.length === 1 && read[0].time) parts.push(new Date(read[0].time).toLocaleString());
  const last = read[read.length - 1];
  const labels = labelsText(last.labels);
  if (labels) parts.push(labels);
  byId("about").textContent = parts.join(" · ");
  tell(sum > 0 ? "" : state.gone ? "B has all stacks of A." : "All values of this sample type are 0.");
}

/** Ask for the sandwich, if one is wanted. */
async function between() {
  const name = loaded.names.indexOf(state.of);
  if (!state.of || name < 0 || !whole) return;
  const both = await ask("between", { type: chosenType(), name });
  for (const [graph, given] of /** @type {[FlameCanvas, any][]} */ ([[callers, both.callers], [callees, both.callees]])) {
    graph.show({ ...given, names: loaded.names, base: state.gone ? null : given.base, whole: whole.whole, wholeBase: whole.wholeBase, top: 1 }, 1);
  }
}

function search() {
  const matches = matcher(state.search);
  for (const graph of graphs) if (graph.tree) graph.mark(matches && hitsOf(graph.tree, matches));
  const hits = matches && whole ? hitsOf(whole, matches) : null;
  byId("matched").textContent = hits && whole ? `${shareText(hits.total, whole.whole)} matched` : "";
  table.filter(matches);
}

/** Make the controls say what is shown. */
function arrange() {
  const between = !!state.of && loaded.names.includes(state.of);
  byId("controls").hidden = false;
  byId("graphs").hidden = false;
  byId("graphs").dataset.view = state.view;
  byId("flame").hidden = between;
  byId("sandwich").hidden = !between;
  byId("function").textContent = state.of;
  input.type.value = loaded.types[chosenType()].type;
  input.group.value = state.group;
  byId("grouping").hidden = !loaded.keys.length;
  if (input.search.value !== state.search) input.search.value = state.search;
  input.view.value = state.view;
  input.safe.checked = state.safe;
  input.gone.checked = state.gone;
  byId("difference").hidden = !diff;
  byId("vanished").textContent = `only in A (${seen.vanished.toLocaleString("en")} frames)`;
  for (const [id, part] of /** @type {[string, number | "new"][]} */ ([["less", -0.7], ["more", 0.7]])) {
    byId(id).style.backgroundColor = changeColour(part, { dark: matchMedia("(prefers-color-scheme: dark)").matches, safe: state.safe });
  }
  for (const graph of graphs) {
    graph.safe = state.safe;
    graph.relayout();
  }
}

/** @param {BlobPart} content @param {string} type @param {string} name */
function save(content, type, name) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function savePprof() {
  const read = loaded.read;
  if (read.length === 1 && read[0].format === "pprof" && !state.group) {
    const answer = await fetch(sources[0].url); // as it came, with all that is not drawn
    if (answer.ok) return save(await answer.arrayBuffer(), "application/octet-stream", "profile.pb.gz");
  }
  save((await ask("asPprof")).bytes, "application/octet-stream", diff ? "difference.pb.gz" : "profile.pb.gz");
}

function saveSvg() {
  const graph = state.of && !byId("sandwich").hidden ? callees : main;
  const { tree, zoom, hits, safe } = graph;
  if (!tree) return;
  const title = `${state.of ? `What ${state.of} calls` : document.title} · ${byId("about").textContent}`;
  const width = 1200;
  const how = { title, width, searched: hits !== null, safe, upwards: false, describe: (/** @type {any} */ box) => describe(tree, box) };
  save(flameSvg(tree, layout(tree, zoom, width, hits), how), "image/svg+xml", "flame.svg");
}

input.type.onchange = () => change({ type: input.type.value }, true);
input.group.onchange = () => change({ group: input.group.value, zoom: [] }, true);
input.search.oninput = () => change({ search: input.search.value });
input.view.onchange = () => change({ view: /** @type {any} */ (input.view.value) });
input.safe.onchange = () => change({ safe: input.safe.checked });
input.gone.onchange = () => change({ gone: input.gone.checked, zoom: [] }, true);
byId("all").onclick = () => change({ zoom: [], of: "" }, true);
byId("leave").onclick = () => change({ of: "" }, true);
byId("pprof").onclick = savePprof;
byId("svg").onclick = saveSvg;
input.search.onkeydown = (event) => {
  if (event.key === "Enter") main.canvas.focus(), main.nextMatch(1);
  else if (event.key === "Escape") input.search.value = "", change({ search: "" }), main.canvas.focus();
};
addEventListener("popstate", () => {
  const before = state;
  state = readState(location.hash);
  apply(before);
});
shortcut("/", "Search", () => input.search.focus());
shortcut("s", "Callers and callees of the current frame, or back to the graph", () => {
  const current = main.tree && main.current ? loaded.names[loaded.name[main.current]] : "";
  change({ of: state.of ? "" : current }, true);
});
shortcut("ArrowUp ArrowDown ArrowLeft ArrowRight", "Go to the caller, the callee, a neighbour", () => false);
shortcut("Enter", "Zoom to the current frame", () => false);
shortcut("Escape", "Show all", () => false);
shortcut("n N", "Next and previous match", () => false);
if (sources.length) apply(null);
