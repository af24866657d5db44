// @ts-check
/**
 * Decodes the two formats of serialised nodes that Pyroscope's /ingest takes, tree and trie. In both a node
 * is the length of its name, the name, its value and how many children follow, and children come before
 * siblings. In a tree a name is a frame; in a trie it is a piece of a folded stack.
 */

import { Refusal, longer } from "./calltree.js";
import { addStack } from "./folded.js";
import { Reader } from "./pprof.js";

const MOST_DEEP = 100_000;
const LONGEST_STACK = 1_000_000;
const MOST_WORK = 500_000_000;

/**
 * @template T
 * @param {Uint8Array} bytes
 * @param {(over: T | undefined, name: Uint8Array, value: number) => T} visit called in the order of the file, with what
 *   it answered for the parent
 */
function eachNode(bytes, visit) {
  const r = new Reader(bytes);
  /** @type {{made: T, left: number}[]} nodes whose children are not all read */
  const open = [];
  do {
    const end = r.field();
    const name = bytes.subarray(r.at, end);
    r.at = end;
    const value = r.varint();
    const left = r.varint();
    if (left > bytes.length - r.at) throw new Refusal("A node in it has more children than the file has bytes.");
    const over = open[open.length - 1];
    const made = visit(over?.made, name, value);
    if (over && --over.left === 0) open.pop();
    if (left) open.push({ made, left });
    if (open.length > MOST_DEEP) throw new Refusal("Its stacks are too deep.");
  } while (open.length);
  if (r.at < bytes.length) throw new Refusal("It goes on after its last node.");
}

/** @param {Uint8Array} bytes @param {Sink} sink */
export function decodeTree(bytes, sink) {
  const column = sink.column("samples", "count");
  const { tree, about } = sink;
  const decoder = new TextDecoder();
  /** @param {number | undefined} over @param {Uint8Array} raw @param {number} value */
  const visit = (over, raw, value) => {
    const name = decoder.decode(raw);
    const node = over !== undefined && name ? tree.child(over, tree.nameId(name)) : over ?? 0;
    tree.self[column][node] += value;
    if (value) about.samples++;
    return node;
  };
  eachNode(bytes, visit);
}

/** @param {Uint8Array} bytes @param {Sink} sink */
export function decodeTrie(bytes, sink) {
  const column = sink.column("samples", "count");
  const { tree, about } = sink;
  const decoder = new TextDecoder();
  let stack = new Uint8Array(1024);
  let work = 0;
  /** @param {number | undefined} from the length of the stack that a piece is added to @param {Uint8Array} raw
   * @param {number} value */
  const visit = (from = 0, raw, value) => {
    const length = from + raw.length;
    if (length > LONGEST_STACK || (work += value ? length : 0) > MOST_WORK) throw new Refusal("Its stacks are too long.");
    if (length > stack.length) stack = longer(stack, length * 2);
    stack.set(raw, from);
    if (value) {
      tree.self[column][addStack(tree, decoder.decode(stack.subarray(0, length)))] += value;
      about.samples++;
    }
    return length;
  };
  eachNode(bytes, visit);
}

/** Which of the two formats bytes are in; "" for neither. @param {Uint8Array} bytes */
export function nodeFormat(bytes) {
  let pieces = false;
  try {
    eachNode(bytes, (_, name) => void (pieces ||= name.includes(59)));
  } catch (fault) {
    if (fault instanceof Refusal) return "";
    throw fault;
  }
  return pieces ? "trie" : "tree";
}
