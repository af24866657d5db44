// @ts-check
/** The worker of the flame page: fetches, decodes and sums, so that the page itself never waits. */

import { CallTree, Refusal, byFunction, childLists, outermost, sandwich, totals } from "./calltree.js";
import { encodePprof } from "./encode.js";
import { Sink, decode } from "./formats.js";

/** @typedef {{id: string, side: string, url: string}} Source `side`: "a" and "b" of a diff, otherwise "" */
/** @typedef {import("./formats.js").About & {id: string, side: string, format: string, bytes: number,
 *   labels: Record<string, string>, name: string}} Read */

/** @type {Map<string, {bytes: Uint8Array<ArrayBuffer>, labels: Record<string, string>, hint: string, name: string}>} */
const fetched = new Map();
let tree = new CallTree();
let outer = new Uint8Array(0);
/** @type {{type: string, unit: string}[]} */
let types = [];

/** @param {Source} source */
async function get({ url, id }) {
  const known = fetched.get(url);
  if (known) return known;
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Refusal("alloypy does not answer; is it still running?");
  }
  if (response.status === 404) throw new Refusal(`Profile ${id} is no longer kept.`);
  if (!response.ok) throw new Refusal((await response.text()).slice(0, 300) || `alloypy answered ${response.status}.`);
  const about = JSON.parse(response.headers.get("x-alloypy-profile") ?? "{}");
  const bytes = new Uint8Array(await response.arrayBuffer());
  const got = { bytes, labels: about.labels ?? {}, hint: about.format ?? "", name: about.name ?? "" };
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
    const { bytes, labels, hint, name } = await get(source);
    const sink = new Sink(building, source.side, group);
    let format;
    try {
      format = await decode(bytes, sink, hint);
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      throw new Refusal(sources.length > 1 ? `Profile ${source.id}: ${fault.message}` : fault.message);
    }
    const about = sink.abouts[0] ?? { samples: 0 };
    read.push({ ...about, id: source.id, side: source.side, format, bytes: bytes.length, labels, name });
    sink.keys.forEach((key) => keys.add(key));
    sink.notes.forEach((note) => notes.add(note));
  }
  if (read.some((each) => each.format === "jfr")) {
    if (read.length > 1) throw new Refusal("Recordings of Java's Flight Recorder cannot be merged or compared.");
    return [{ read, types: [] }, []];
  }
  building.seal();
  tree = building;
  types = commonTypes(tree, sources.some((source) => source.side));
  const children = childLists(tree.parent);
  outer = outermost(tree.parent, tree.name, tree.names.length, children);
  const parent = tree.parent.slice();
  const name = tree.name.slice();
  const moved = [parent.buffer, name.buffer, children.from.buffer, children.list.buffer];
  return [{ read, types, keys: [...keys].sort(), notes: [...notes], names: tree.names, parent, name, children }, moved];
}

/** The sample types that can be shown: in a diff, those that both sides have.
 * @param {CallTree} given @param {boolean} diff */
function commonTypes(given, diff) {
  const of = (/** @type {string} */ side) =>
    given.columns.filter((c) => c.side === side).map(({ type, unit }) => ({ type, unit }));
  if (!diff) return of("");
  const [a, b] = [of("a"), of("b")];
  const common = b.filter((x) => a.some((y) => x.type === y.type && x.unit === y.unit));
  const list = (/** @type {{type: string}[]} */ each) => each.map(({ type }) => type).join(", ");
  if (!common.length) throw new Refusal(`They have no sample type in common: A has ${list(a)}, B has ${list(b)}.`);
  return common;
}

/** @param {number} chosen @param {string} side @param {CallTree} from */
function column(chosen, side, from) {
  const { type, unit } = types[chosen];
  return from.self[from.columns.findIndex((c) => c.type === type && c.unit === unit && c.side === side)];
}

/** Totals of nodes and sums of functions for one sample type.
 * @param {{type: number, gone: boolean}} wish `gone`: show only what the second profile of a diff lacks */
function view({ type, gone }) {
  const diff = tree.columns.some((c) => c.side === "a");
  let self = column(type, diff ? "b" : "", tree);
  let total = totals(tree.parent, self);
  let base = null;
  let baseTable = null;
  let vanished = 0;
  if (diff) {
    const before = column(type, "a", tree);
    base = totals(tree.parent, before);
    for (let i = 1; i < tree.count; i++) if (before[i] !== 0 && total[i] === 0) vanished++;
    if (gone) {
      const only = before.map((value, i) => (total[i] === 0 ? value : 0));
      total = totals(tree.parent, only);
      self = only;
      base = null;
    } else baseTable = byFunction(tree.name, tree.names.length, outer, before, base);
  }
  const table = byFunction(tree.name, tree.names.length, outer, self, total);
  const arrays = [total, base, table.self, table.total, baseTable?.self, baseTable?.total];
  return [{ total, base, table, baseTable, vanished }, arrays.flatMap((each) => (each ? [each.buffer] : []))];
}

/** @param {{type: number, name: number}} wish */
function between({ type, name }) {
  const all = tree.self.map((self) => totals(tree.parent, self));
  const both = sandwich(tree, name, outer, all);
  const diff = tree.columns.some((c) => c.side === "a");
  const shown = [both.callers, both.callees].map((each) => ({
    parent: each.parent,
    name: each.name,
    children: childLists(each.parent),
    total: totals(each.parent, column(type, diff ? "b" : "", each)),
    base: diff ? totals(each.parent, column(type, "a", each)) : null,
  }));
  return [{ callers: shown[0], callees: shown[1] }, []];
}

async function asPprof() {
  const packed = new Blob([encodePprof(tree, types)]).stream().pipeThrough(new CompressionStream("gzip"));
  return [{ bytes: await new Response(packed).arrayBuffer() }, []];
}

/** @type {Record<string, (wish: any) => any>} */
const answers = { load, view, between, asPprof };

addEventListener("message", async ({ data }) => {
  const { number, wish, ...rest } = data;
  try {
    const [answer, moved] = await answers[wish](rest);
    postMessage({ number, answer }, { transfer: moved });
  } catch (fault) {
    const known = fault instanceof Refusal;
    const tooLarge = fault instanceof RangeError;
    if (!known) console.warn(fault);
    postMessage({
      number,
      refusal: known ? fault.message : tooLarge ? "It is too large for this browser." : "It cannot be decoded.",
    });
  }
});
