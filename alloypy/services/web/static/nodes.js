// @ts-check
/**
 * Decodes the two formats of serialised nodes that Pyroscope's /ingest takes, tree and trie. In both a node
 * is the length of its name, the name, its value and how many children follow, and children come before
 * siblings. In a tree a name is a frame; in a trie it is a piece of a folded stack.
 */

import { Refusal } from "./calltree.js";
import { addStack } from "./folded.js";

const MOST_DEEP = 100_000;
const LONGEST_STACK = 1_000_000;

/** @typedef {{value: number, children: number, raw: Uint8Array}} Node */

/** @param {Uint8Array} bytes @param {(node: Node) => void} visit called in the order of the file */
export function eachNode(bytes, visit) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
      if (at >= bytes.length) throw new Refusal("It ends in the middle of a node.");
      const x = bytes[at++];
      value += (x & 127) * scale;
      if (x < 128) return value;
    }
    throw new Refusal("A number in it has more than 10 bytes.");
  };
  let open = 1;
  let count = 0;
  while (open > 0) {
    const end = varint() + at;
    if (end > bytes.length) throw new Refusal("A name in it is longer than the rest of the file.");
    const raw = bytes.subarray(at, end);
    at = end;
    const value = varint();
    const children = varint();
    if (children > bytes.length - at) throw new Refusal("A node in it has more children than the file has bytes.");
    open += children - 1;
    count++;
    visit({ value, children, raw });
  }
  if (at < bytes.length) throw new Refusal("It goes on after its last node.");
  return count;
}

/** @param {Uint8Array} bytes @param {Sink} sink */
export function decodeTree(bytes, sink) {
  const column = sink.column("samples", "count");
  const { tree } = sink;
  const decoder = new TextDecoder();
  /** @type {{node: number, left: number}[]} */
  const open = [];
  let samples = 0;
  eachNode(bytes, ({ raw, value, children }) => {
    const name = decoder.decode(raw);
    const over = open[open.length - 1];
    const node = over ? (name ? tree.child(over.node, tree.nameId(name)) : over.node) : 0;
    if (over && --over.left === 0 && children === 0) while (open.length && !open[open.length - 1].left) open.pop();
    if (children) open.push({ node, left: children });
    if (open.length > MOST_DEEP) throw new Refusal("Its stacks are too deep.");
    tree.self[column][node] += value;
    if (value) samples++;
  });
  sink.about({ samples });
}

/** @param {Uint8Array} bytes @param {Sink} sink */
export function decodeTrie(bytes, sink) {
  const column = sink.column("samples", "count");
  const decoder = new TextDecoder();
  let stack = new Uint8Array(1024);
  /** @type {{length: number, left: number}[]} */
  const open = [];
  let samples = 0;
  let work = 0;
  eachNode(bytes, ({ raw, value, children }) => {
    const over = open[open.length - 1];
    const from = over ? over.length : 0;
    const length = from + raw.length;
    if (length > LONGEST_STACK || open.length > MOST_DEEP) throw new Refusal("Its stacks are too deep.");
    if (length > stack.length) {
      const wider = new Uint8Array(length * 2);
      wider.set(stack);
      stack = wider;
    }
    stack.set(raw, from);
    if (over) over.left--;
    if (value) {
      work += length;
      if (work > 500_000_000) throw new Refusal("It says more than a page can show.");
      sink.tree.self[column][addStack(sink.tree, decoder.decode(stack.subarray(0, length)))] += value;
      samples++;
    }
    if (children) open.push({ length, left: children });
    else while (open.length && !open[open.length - 1].left) open.pop();
  });
  sink.about({ samples });
}

/** Which of the two formats bytes are in; "" for neither. @param {Uint8Array} bytes */
export function nodeFormat(bytes) {
  let pieces = false;
  try {
    eachNode(bytes, ({ raw }) => {
      pieces ||= raw.includes(59);
    });
  } catch (fault) {
    if (fault instanceof Refusal) return "";
    throw fault;
  }
  return pieces ? "trie" : "tree";
}
