// @ts-check
/** The flame page: one profile, several merged, or a diff of two. */

import { byId, counted, h, shortcut } from "./common.js";
import { FlameCanvas } from "./flame-canvas.js";
import { changeColour } from "./flame-colours.js";
import { changeOf, childSum, hitsOf, layout, pathTo } from "./flame-layout.js";
import { readState, writeState } from "./flame-state.js";
import { flameSvg } from "./flame-svg.js";
import { FlameTable } from "./flame-table.js";
import { changeText, matcher, shareText, valueText } from "./flame-text.js";

const page = JSON.parse(byId("data").textContent ?? ""); // which profiles to show, and where they are
/** @type {Source[]} */
const sources = page.show.map((/** @type {Source} */ each) => ({
  ...each,
  url: new URL(page.bodies + encodeURIComponent(each.id), document.baseURI).href,
}));
const diff = sources.some((each) => each.side);
let state = readState(location.hash);
/** @type {any} */
let loaded = null; // what the worker answered to `load`
/** @type {any} */
let seen = null; // and to `view`
/** @type {Tree | null} */
let whole = null;

// The worker.
const worker = new Worker(new URL("./flame-worker.js", import.meta.url), { type: "module" });
/** @type {Map<number, Waiting>} */
const waiting = new Map();
let asked = 0;
worker.onmessage = ({ data: { progress, number, answer, refusal } }) => {
  if (progress) return tell(progress);
  if (refusal === undefined) waiting.get(number)?.resolve(answer);
  else waiting.get(number)?.reject(new Error(refusal));
  waiting.delete(number);
};
worker.onerror = () => refuse("The script that decodes profiles did not start; reload the page.");

/** @param {string} wish @param {object} [about] @returns {Promise<any>} */
function ask(wish, about = {}) {
  worker.postMessage({ number: ++asked, wish, ...about });
  return new Promise((resolve, reject) => waiting.set(asked, { resolve, reject }));
}

const tell = (/** @type {string} */ text) => void (byId("status").textContent = text);

/** @param {string} sentence */
function refuse(sentence) {
  byId("refusal").hidden = false;
  byId("refusal").textContent = sentence;
  byId("graphs").hidden = byId("controls").hidden = true;
  tell("");
}

// The graphs.
/** @param {string} id @param {string} label @param {boolean} [upwards] */
function canvas(id, label, upwards) {
  /** @type {FlameCanvas} */
  const graph = new FlameCanvas(byId(id), label, {
    zoomed: (node) => zoomTo(graph, node),
    chosen: (node) => tell(describe(graph.tree, { node, rest: 0 })),
    pointed: (box, event) => hint(graph, box, event),
  }, upwards);
  return graph;
}
const keys = "Arrow keys move, Enter zooms, Escape shows all, slash searches, question mark helps.";
const main = canvas("flame", `Flame graph. ${keys}`);
const callers = canvas("callers", `What calls the function. ${keys}`, true);
const callees = canvas("callees", `What the function calls. ${keys}`);
const graphs = [main, callers, callees];
const table = new FlameTable(byId("table"), {
  open: (name) => change({ of: loaded.names[name] }, true),
  sorted: (sort) => change({ sort }),
});
const [type, group, view, search, safe, gone] = ["type", "group", "view", "search", "safe", "gone"].map(
  (id) => /** @type {HTMLInputElement} */ (byId(id)));

function chosenType() {
  const wanted = state.type || loaded.read.at(-1).preferred;
  const at = loaded.types.findIndex((/** @type {Kind} */ each) => each.type === wanted);
  return at < 0 ? loaded.types.length - 1 : at;
}
const unit = () => loaded.types[chosenType()].unit;

/** A frame in a sentence. @param {Tree | null} tree @param {{node: number, rest: number}} box */
function describe(tree, { node, rest }) {
  if (!tree) return "";
  const name = node ? tree.names[tree.name[node]] : "all";
  if (rest) return `${rest} calls of ${name} that are too narrow to be drawn; zoom into ${name} to see them`;
  const value = tree.total[node];
  const parts = [`${name} — ${shareText(value, tree.whole)} total (${valueText(value, unit())})`];
  const self = value - childSum(tree, node);
  if (tree !== callers.tree) parts.push(`${shareText(self, tree.whole)} self (${valueText(self, unit())})`);
  if (changeOf(tree, node) === "new") parts.push("new in B");
  else if (tree.base) {
    const change = value / tree.whole - tree.base[node] / tree.wholeBase;
    parts.push(`${shareText(tree.base[node], tree.wholeBase)} in A, change ${changeText(change || 0)} points`);
  }
  return parts.join(", ");
}

/** @param {FlameCanvas} graph @param {Box | null} box @param {MouseEvent | null} event */
function hint(graph, box, event) {
  const tip = byId("tip");
  tip.hidden = !box;
  graph.canvas.style.cursor = box ? "pointer" : "";
  if (!box || !event) return;
  tip.textContent = describe(graph.tree, box);
  const { width, height } = tip.getBoundingClientRect();
  const below = event.clientY + 18;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - width - 8))}px`;
  tip.style.top = `${below + height > innerHeight ? event.clientY - height - 8 : below}px`;
}

/** @param {FlameCanvas} graph @param {number} node */
function zoomTo(graph, node) {
  if (graph !== main) graph.zoomTo(node);
  else if (whole) change({ zoom: pathTo(whole, node).slice(1).map((at) => loaded.names[loaded.name[at]]) }, true);
}

/** The node at the end of a path of names, as far as it exists. @param {Tree} tree @param {string[]} path */
function follow({ children: { from, list }, names, name, total }, path) {
  let node = 0;
  for (const wanted of path) {
    const next = list.subarray(from[node], from[node + 1]).find((each) => names[name[each]] === wanted && total[each] > 0);
    if (next === undefined) break;
    node = next;
  }
  return node;
}

// The state.
/** @param {Partial<State>} part @param {boolean} [step] one that "back" undoes */
function change(part, step) {
  const before = state;
  state = { ...state, ...part };
  const url = `${location.pathname}${location.search}#${writeState(state)}`;
  history[step ? "pushState" : "replaceState"](null, "", url);
  apply(before);
}

/** Show the state. @param {State | null} before what is shown */
async function apply(before) {
  /** @param {(keyof State)[]} keys */
  const differs = (...keys) => keys.some((key) => !before || String(before[key]) !== String(state[key]));
  try {
    if (differs("group")) await load();
    if (!loaded.types.length) return;
    if (differs("group", "type", "gone")) await look();
    if (differs("group", "type", "gone", "of")) await between();
    if (differs("group", "type", "gone", "zoom")) main.zoomTo(follow(/** @type {Tree} */ (whole), state.zoom));
    if (differs("group", "type", "gone", "of", "search")) mark();
    arrange();
  } catch (fault) {
    refuse(fault instanceof Error ? fault.message : String(fault));
  }
}

async function load() {
  tell("Decoding …");
  loaded = await ask("load", { sources, group: state.group });
  const { read, types } = loaded;
  const name = (/** @type {number} */ i) => read[i].name || `profile ${read[i].id}`;
  const title = diff ? `${name(1)} compared with ${name(0)}` : read.length > 1 ? `${read.length} profiles merged` : name(0);
  byId("title").textContent = title;
  document.title = `${title} - alloypy`;
  if (!types.length) return recording();
  byId("notes").textContent = loaded.notes.join(" ");
  const options = (/** @type {string[]} */ values) => values.map((value) => h("option", { value }, value || "–"));
  type.replaceChildren(...options(types.map((/** @type {Kind} */ each) => each.type)));
  group.replaceChildren(...options(["", ...loaded.keys]));
}

function recording() {
  const [{ size, id }] = loaded.read;
  refuse(`This is a recording of Java's Flight Recorder (JFR) of ${valueText(size, "bytes")}, which is not drawn here. JDK Mission Control, IntelliJ IDEA and speedscope open it. `);
  byId("refusal").append(h("a", { href: sources[0].url, download: `${id}.jfr` }, "Download"));
  byId("about").textContent = labels();
}

/** The labels that all of the profiles have. */
function labels() {
  const all = Object.entries(loaded.read[0].labels);
  const shared = all.filter(([name, value]) => loaded.read.every((/** @type {Read} */ each) => each.labels[name] === value));
  return shared.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ");
}

/** Ask for the sums of the chosen sample type. */
async function look() {
  seen = await ask("view", { type: chosenType(), gone: state.gone });
  const { names, parent, name, children, read } = loaded;
  const { total, base, table: sums, baseTable } = seen;
  const amounts = { whole: total[0], wholeBase: base?.[0] ?? 0 };
  whole = { names, parent, name, children, total, base, top: 0, ...amounts };
  main.show(whole, 0);
  table.order = state.sort;
  table.show({ names, sums, base: baseTable, unit: unit(), ...amounts });
  const samples = read.reduce((/** @type {number} */ all, /** @type {Read} */ each) => all + each.samples, 0);
  const before = base ? ` (A: ${valueText(base[0], unit())})` : "";
  const parts = [`${loaded.types[chosenType()].type} ${valueText(total[0], unit())}${before}`, `${counted(samples)} samples`];
  if (read.length === 1 && read[0].seconds) parts.push(`over ${valueText(read[0].seconds, "seconds")}`);
  if (read.length === 1 && read[0].time) parts.push(new Date(read[0].time).toLocaleString());
  byId("about").textContent = [...parts, labels()].filter(Boolean).join(" · ");
  tell(total[0] > 0 ? "" : state.gone ? "B has all stacks of A." : "All values of this sample type are 0.");
}

/** Ask for the sandwich, if one is wanted. */
async function between() {
  const name = state.of ? loaded.names.indexOf(state.of) : -1;
  if (name < 0 || !whole) return;
  const both = await ask("between", { type: chosenType(), name });
  for (const given of [both.callers, both.callees]) {
    const graph = given === both.callers ? callers : callees;
    graph.show({ ...whole, ...given, base: state.gone ? null : given.base, top: 1 }, 1);
  }
}

/** Mark what the search matches. */
function mark() {
  const matches = matcher(state.search);
  for (const graph of graphs) graph.mark(matches && graph.tree && hitsOf(graph.tree, matches));
  byId("matched").textContent = main.hits && whole ? `${shareText(main.hits.total, whole.whole)} matched` : "";
  table.filter(matches);
}

/** Make the controls say what is shown. */
function arrange() {
  const between = loaded.names.indexOf(state.of) > 0;
  byId("controls").hidden = byId("graphs").hidden = false;
  byId("graphs").dataset.view = state.view;
  byId("flame").hidden = between;
  byId("sandwich").hidden = !between;
  byId("function").textContent = state.of;
  byId("grouping").hidden = !loaded.keys.length;
  byId("difference").hidden = !diff;
  byId("vanished").textContent = `only in A (${counted(seen.vanished)})`;
  type.value = loaded.types[chosenType()].type;
  group.value = state.group;
  view.value = state.view;
  if (search.value !== state.search) search.value = state.search;
  safe.checked = state.safe;
  gone.checked = state.gone;
  const palette = { dark: matchMedia("(prefers-color-scheme: dark)").matches, safe: state.safe };
  byId("less").style.backgroundColor = changeColour(-0.7, palette);
  byId("more").style.backgroundColor = changeColour(0.7, palette);
  for (const graph of graphs) {
    graph.safe = state.safe;
    graph.relayout();
  }
}

/** @param {BlobPart} content @param {string} name */
function save(content, name) {
  const url = URL.createObjectURL(new Blob([content]));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function savePprof() {
  const as = diff ? "difference.pb.gz" : "profile.pb.gz";
  if (loaded.read.length === 1 && loaded.read[0].format === "pprof" && !state.group) {
    const answer = await fetch(sources[0].url); // as it came, with all that is not drawn
    if (answer.ok) return save(await answer.arrayBuffer(), as);
  }
  save((await ask("asPprof")).bytes, as);
}

function saveSvg() {
  const between = byId("flame").hidden;
  const { tree, zoom, hits } = between ? callees : main;
  if (!tree) return;
  const title = `${between ? `What ${state.of} calls` : byId("title").textContent} · ${byId("about").textContent}`;
  const width = 1200;
  const how = { title, width, searched: !!hits, safe: state.safe, describe: (/** @type {Box} */ box) => describe(tree, box) };
  save(flameSvg(tree, layout(tree, zoom, width, hits), how), "flame.svg");
}

type.onchange = () => change({ type: type.value }, true);
group.onchange = () => change({ group: group.value, zoom: [] }, true);
view.onchange = () => change({ view: /** @type {State["view"]} */ (view.value) });
safe.onchange = () => change({ safe: safe.checked });
gone.onchange = () => change({ gone: gone.checked, zoom: [] }, true);
search.oninput = () => change({ search: search.value });
search.onkeydown = ({ key }) => {
  if (key === "Escape") change({ search: "" });
  if (key !== "Enter" && key !== "Escape") return;
  main.canvas.focus();
  main.nextMatch(1);
};
byId("all").onclick = () => change({ zoom: [], of: "" }, true);
byId("leave").onclick = () => change({ of: "" }, true);
byId("pprof").onclick = savePprof;
byId("svg").onclick = saveSvg;
onpopstate = () => {
  const before = state;
  state = readState(location.hash);
  apply(before);
};
shortcut("/", "Search", () => search.focus());
shortcut("s", "Callers and callees of the current frame, or back to the graph", () =>
  change({ of: state.of || !main.current ? "" : loaded.names[loaded.name[main.current]] }, true));
const onCanvas = () => false; // it takes these keys itself
shortcut("ArrowUp ArrowDown ArrowLeft ArrowRight", "Go to the caller, the callee, a neighbour", onCanvas);
shortcut("Enter Escape", "Zoom to the current frame, show all", onCanvas);
shortcut("n N", "Next and previous match", onCanvas);
apply(null);
