/** What the tests of the scripts share: the scripts themselves, and profiles made by hand. */

import { gzipSync } from "node:zlib";

const STATIC = new URL("../../alloypy/services/web/static/", import.meta.url);

/** @param {string} name */
export const script = (name) => import(new URL(name, STATIC).href);

const { CallTree, totals, childLists, outermost, byFunction } = await script("calltree.js");
const { Sink, decode } = await script("formats.js");

/** Decode into a tree of its own. */
export async function decoded(bytes, { hint = "", group = "", side = "", tree = new CallTree() } = {}) {
  const sink = new Sink(tree, side, group);
  const format = await decode(new Uint8Array(bytes), sink, hint);
  return { format, sink, tree };
}

/** Each stack with values of its own, as `a;b` -> values of all columns. */
export function stacks(tree) {
  const found = {};
  for (let node = 0; node < tree.count; node++) {
    const values = tree.self.map((column) => column[node]);
    if (!values.some((value) => value !== 0)) continue;
    const names = [];
    for (let at = node; at > 0; at = tree.parent[at]) names.unshift(tree.names[tree.name[at]]);
    found[names.join(";")] = values.length === 1 ? values[0] : values;
  }
  return found;
}

/** Self and total of each function in a column, as the table shows them. */
export function functions(tree, column) {
  tree.seal();
  const total = totals(tree.parent, tree.self[column]);
  const outer = outermost(tree, childLists(tree.parent));
  const sums = byFunction(tree, outer, tree.self[column], total);
  const found = {};
  for (let i = 1; i < tree.names.length; i++) {
    if (sums.self[i] || sums.total[i]) found[tree.names[i]] = [sums.self[i], sums.total[i]];
  }
  return found;
}

export function varint(value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out = [];
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return [...out, Number(rest)];
}

export const number = (field, value) => [...varint(field << 3), ...varint(value)];
export const block = (field, bytes) => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
export const letters = (text) => [...new TextEncoder().encode(text)];

/**
 * A pprof. types: [type, unit] each. samples: {stack, values, labels}; a stack is from the root, and an array in
 * it is one location with functions inlined into the first.
 */
export function pprof({ types, samples, preferred = "", ids = (i) => BigInt(i + 1), extra = [] }) {
  const texts = [""];
  const text = (given) => {
    if (!texts.includes(given)) texts.push(given);
    return texts.indexOf(given);
  };
  const functionIds = [];
  const locations = [];
  const out = types.map(([type, unit]) => block(1, [...number(1, text(type)), ...number(2, text(unit))]));
  const location = (frame) => {
    const key = JSON.stringify(frame);
    if (!locations.includes(key)) locations.push(key);
    return ids(locations.indexOf(key));
  };
  for (const { stack, values, labels = {} } of samples) {
    const path = stack.map(location).reverse();
    const part = [...block(1, path.flatMap(varint)), ...block(2, values.flatMap(varint))];
    for (const [key, value] of Object.entries(labels)) {
      part.push(...block(3, [...number(1, text(key)), ...(typeof value === "number" ? number(3, value) : number(2, text(value)))]));
    }
    out.push(block(2, part));
  }
  for (const [i, key] of locations.entries()) {
    const lines = [JSON.parse(key)].flat().reverse().map((name) => {
      if (!functionIds.includes(name)) functionIds.push(name);
      return block(4, number(1, ids(functionIds.indexOf(name))));
    });
    out.push(block(4, [...number(1, ids(i)), ...lines.flat()]));
  }
  for (const [i, name] of functionIds.entries()) out.push(block(5, [...number(1, ids(i)), ...number(2, text(name))]));
  if (preferred) out.push(number(14, text(preferred)));
  for (const each of texts) out.push(block(6, letters(each)));
  return Uint8Array.from([...out.flat(), ...extra]);
}

export const packed = (bytes) => new Uint8Array(gzipSync(bytes));

/** Nodes of Pyroscope's tree format. node: [name, value, ...children] */
export function serialised([name, value, ...children]) {
  const bytes = letters(name);
  return [...varint(bytes.length), ...bytes, ...varint(value), ...varint(children.length), ...children.flatMap(serialised)];
}

export const SAMPLES = {
  types: [["samples", "count"], ["cpu", "nanoseconds"]],
  samples: [
    { stack: ["main", "work", "read"], values: [1, 10], labels: { endpoint: "/cart", bytes: 4096 } },
    { stack: ["main", ["work", "inlined"]], values: [2, 20] },
    { stack: ["main", "work", "main", "work"], values: [3, 30], labels: { endpoint: "/pay" } },
    { stack: ["main"], values: [4, 40] },
  ],
};

/** What Pyroscope writes for six stacks as a trie. */
export const TRIE = Uint8Array.from(
  Buffer.from(
    "000002016d00020361696e0101023b770002036169740300046f726b3b00020472656164050005777269746507000bc3a4696e3be697a5e69cac0b00056f746865720200",
    "hex",
  ),
);

export const SPEEDSCOPE = {
  $schema: "https://www.speedscope.app/file-format-schema.json",
  shared: { frames: [{ name: "main" }, { name: "work" }, { name: "read" }] },
  profiles: [
    { type: "sampled", name: "one", unit: "milliseconds", startValue: 0, endValue: 3, samples: [[0, 1], [0, 1, 2]], weights: [1, 2] },
    {
      type: "evented", name: "two", unit: "milliseconds", startValue: 0, endValue: 10,
      events: [
        { type: "O", frame: 0, at: 0 }, { type: "O", frame: 1, at: 2 }, { type: "C", frame: 1, at: 5 }, { type: "C", frame: 0, at: 10 },
      ],
    },
  ],
};
