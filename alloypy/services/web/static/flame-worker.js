// @ts-check
/** The worker of the flame page: fetches, decodes and sums, so that the page itself never waits. */

import { CallTree, Refusal, byFunction, childLists, outermost, sandwich, totals } from "./calltree.js";
import { encodePprof } from "./encode.js";
import { Sink, decode } from "./formats.js";

/** @type {Map<string, Fetched>} by URL */
const fetched = new Map();
let tree = new CallTree();
let outer = new Uint8Array(0);
let diff = false;
/** @type {Kind[]} */
let types = [];

/** @param {Source} source */
async function get({ url, id }) {
  const known = fetched.get(url);
  if (known) return known;
  const response = await fetch(url).catch(() => {
    throw new Refusal("alloypy does not answer; is it still running?");
  });
  if (response.status === 404) throw new Refusal(`Profile ${id} is no longer kept.`);
  if (!response.ok) throw new Refusal((await response.text()).slice(0, 300) || `alloypy answered ${response.status}.`);
  const { labels = {}, format = "", name = "" } = JSON.parse(response.headers.get("x-alloypy-profile") ?? "{}");
  const got = { bytes: new Uint8Array(await response.arrayBuffer()), labels, format, name };
  fetched.set(url, got);
  return got;
}

/** @param {{sources: Source[], group: string}} wish */
async function load({ sources, group }) {
  const building = new CallTree();
  /** @type {Read[]} */
  const read = [];
  const keys = new Set();
  const notes = new Set();
  for (const [i, source] of sources.entries()) {
    if (sources.length > 1) postMessage({ progress: `Decoding ${i + 1} of ${sources.length} …` });
    const { bytes, ...about } = await get(source);
    const sink = new Sink(building, source.side, group);
    const format = await decode(bytes, sink, about.format).catch((fault) => {
      throw fault instanceof Refusal && sources.length > 1 ? new Refusal(`Profile ${source.id}: ${fault.message}`) : fault;
    });
    read.push({ ...about, ...sink.about, id: source.id, format, size: bytes.length });
    sink.keys.forEach((key) => keys.add(key));
    sink.notes.forEach((note) => notes.add(note));
  }
  if (read.some((each) => each.format === "jfr")) {
    if (read.length > 1) throw new Refusal("Recordings of Java's Flight Recorder cannot be merged or compared.");
    return { read, types: [] };
  }
  building.seal();
  tree = building;
  diff = sources.some((source) => source.side);
  types = commonTypes();
  const { names, parent, name } = tree;
  const children = childLists(parent);
  outer = outermost(tree, children);
  return { read, types, keys: [...keys].sort(), notes: [...notes], names, parent, name, children };
}

/** The sample types that can be shown: in a diff, those that both sides have. */
function commonTypes() {
  const [one, a, b] = ["", "a", "b"].map((side) =>
    tree.columns.filter((c) => c.side === side).map(({ type, unit }) => ({ type, unit })));
  if (!diff) return one;
  const common = b.filter((x) => a.some((y) => x.type === y.type && x.unit === y.unit));
  const list = (/** @type {Kind[]} */ kinds) => kinds.map(({ type }) => type).join(", ");
  if (!common.length) throw new Refusal(`They have no sample type in common: A has ${list(a)}, B has ${list(b)}.`);
  return common;
}

/** What the nodes of a tree have themselves. @param {CallTree} from @param {number} chosen @param {string} side */
function column(from, chosen, side) {
  return from.self[from.find(types[chosen], side)];
}

/** Totals of nodes and sums of functions for one sample type.
 * @param {{type: number, gone: boolean}} wish `gone`: show only what the second profile of a diff lacks */
function view({ type, gone }) {
  const { parent } = tree;
  const self = column(tree, type, diff ? "b" : "");
  const total = totals(parent, self);
  if (!diff) return { total, base: null, table: byFunction(tree, outer, self, total), baseTable: null, vanished: 0 };
  const before = column(tree, type, "a");
  const vanished = before.filter((value, i) => value !== 0 && total[i] === 0).length;
  if (gone) {
    const only = before.map((value, i) => (total[i] === 0 ? value : 0));
    const all = totals(parent, only);
    return { total: all, base: null, table: byFunction(tree, outer, only, all), baseTable: null, vanished };
  }
  const base = totals(parent, before);
  return { total, base, table: byFunction(tree, outer, self, total), baseTable: byFunction(tree, outer, before, base), vanished };
}

/** The callers and callees of a function. @param {{type: number, name: number}} wish */
function between({ type, name }) {
  const both = sandwich(tree, name, outer);
  const shown = (/** @type {CallTree} */ each) => ({
    parent: each.parent,
    name: each.name,
    children: childLists(each.parent),
    total: totals(each.parent, column(each, type, diff ? "b" : "")),
    base: diff ? totals(each.parent, column(each, type, "a")) : null,
  });
  return { callers: shown(both.callers), callees: shown(both.callees) };
}

async function asPprof() {
  const packed = new Blob([encodePprof(tree, types)]).stream().pipeThrough(new CompressionStream("gzip"));
  return { bytes: await new Response(packed).arrayBuffer() };
}

/** @type {Record<string, (wish: any) => any>} */
const answers = { load, view, between, asPprof };

addEventListener("message", async ({ data: { number, wish, ...rest } }) => {
  try {
    postMessage({ number, answer: await answers[wish](rest) });
  } catch (fault) {
    const known = fault instanceof Refusal;
    if (!known) console.warn(fault);
    const why = fault instanceof RangeError ? "It is too large for this browser." : "It cannot be decoded.";
    postMessage({ number, refusal: known ? fault.message : why });
  }
});
