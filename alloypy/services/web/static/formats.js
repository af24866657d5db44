// @ts-check
/** Recognises the format of a profile by its content and decodes it into a call tree. */

import { CallTree, Refusal } from "./calltree.js";
import { decodeFolded, looksCounted } from "./folded.js";
import { decodeTree, decodeTrie, nodeFormat } from "./nodes.js";
import { decodePprof } from "./pprof.js";
import { decodeSpeedscope } from "./speedscope.js";

const MOST_MB = 256;
const MOST_KEYS = 64;
const HEAD = 4096;

/** What a decoder writes into: the columns of one side of a tree. */
export class Sink {
  /** @param {CallTree} tree @param {string} side @param {string} group the label that stacks begin with, or "" */
  constructor(tree, side, group) {
    this.tree = tree;
    this.side = side;
    this.group = group;
    /** @type {Set<string>} names of the labels of samples */
    this.keys = new Set();
    /** @type {string[]} sentences for the reader */
    this.notes = [];
    /** @type {About} */
    this.about = { samples: 0 };
  }

  /** @param {string} type @param {string} unit */
  column(type, unit) {
    return this.tree.column(type, unit, this.side);
  }

  /** A label of a sample: the node that its stack begins at; 0 for the root.
   * @param {string} key @param {() => string} value */
  label(key, value) {
    if (this.keys.size < MOST_KEYS) this.keys.add(key);
    return key === this.group ? this.tree.child(0, this.tree.nameId(`${key}: ${value()}`)) : 0;
  }
}

/**
 * Decode a profile; the name of its format. Of a recording of Java's Flight Recorder ("jfr") nothing is read.
 * @param {Uint8Array<ArrayBuffer>} given @param {Sink} sink @param {string} [hint] its format, if known
 * @throws {Refusal} if it cannot be shown
 */
export async function decode(given, sink, hint = "") {
  let bytes = await unpack(given);
  const part = partOf(bytes);
  if (part) bytes = await unpack(part);
  const format = detect(bytes, hint);
  if (format === "pprof" && !hint) decodeUnknown(bytes, sink);
  else if (format === "pprof") decodePprof(bytes, sink);
  else if (format === "speedscope") decodeSpeedscope(parse(bytes), sink);
  else if (format === "trie") decodeTrie(bytes, sink);
  else if (format === "tree") decodeTree(bytes, sink);
  else if (format !== "jfr") decodeFolded(new TextDecoder().decode(bytes), sink, format === "folded");
  return format;
}

/** Decode as pprof what is no text, or say why it is none. @param {Uint8Array} bytes @param {Sink} sink */
function decodeUnknown(bytes, sink) {
  try {
    decodePprof(bytes, sink);
  } catch (fault) {
    const head = bytes.subarray(0, HEAD);
    if (head.filter((byte) => byte > 31 && byte < 127).length < head.length * 0.7) throw fault;
    const at = head.findIndex(isControl);
    throw new Refusal(`It looks like text, but ${at < 0 ? "is not UTF-8" : `byte ${at + 1} of it is ${head[at]}`}.`);
  }
}

/** @param {Uint8Array} bytes @param {string} hint as in the query of /ingest */
function detect(bytes, hint) {
  if (!bytes.length) throw new Refusal("It is empty.");
  if ([70, 76, 82, 0].every((byte, i) => bytes[i] === byte)) return "jfr";
  if (["trie", "tree", "lines", "speedscope", "pprof"].includes(hint)) return hint;
  if (hint === "groups") return "folded";
  if (isText(bytes)) {
    const end = bytes.indexOf(10, HEAD); // of the line that is cut
    const text = new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end)).trimStart();
    return text[0] === "{" ? "speedscope" : looksCounted(text) ? "folded" : "lines";
  }
  return (bytes[0] === 0 && nodeFormat(bytes)) || "pprof";
}

/** Whether a byte is a control character that lines of text do not have. @param {number} byte */
const isControl = (byte) => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13;

/** Whether the beginning has no control characters and is UTF-8. @param {Uint8Array} bytes */
function isText(bytes) {
  const head = bytes.subarray(0, HEAD);
  if (head.some(isControl)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** @param {Uint8Array} bytes */
function parse(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Refusal("It begins like JSON, but is not valid JSON.");
  }
}

/** The bytes themselves, or what gzip packed in them. @param {Uint8Array<ArrayBuffer>} bytes */
async function unpack(bytes) {
  const most = MOST_MB << 20;
  if (bytes.length > most) throw new Refusal(`It is larger than ${MOST_MB} MB.`);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const { chunks, rest } = membersAsTheyAre(bytes);
  if (!rest.length) return new Uint8Array(await new Blob(chunks).arrayBuffer());
  const reader = new Blob([rest]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  for (let size = 0; ; ) {
    const { value } = await reader.read().catch(() => {
      throw new Refusal("It is damaged: gzip cannot unpack it.");
    });
    if (!value) return new Uint8Array(await new Blob(chunks).arrayBuffer());
    size += value.length;
    chunks.push(value);
    if (size > most) {
      reader.cancel().catch(() => {});
      throw new Refusal(`Unpacked, it is larger than ${MOST_MB} MB.`);
    }
  }
}

/**
 * The contents of the first members of a gzip file, if they are not compressed, and the rest of the file. Browsers read
 * one member, and a queue puts one with the time before each profile.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function membersAsTheyAre(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = [];
  let at = 0;
  while (at + 23 <= bytes.length && view.getUint32(at) === 0x1f8b0800 && bytes[at + 10] === 1) {
    const end = at + 15 + view.getUint16(at + 11, true);
    if (end + 8 > bytes.length) break;
    chunks.push(bytes.subarray(at + 15, end));
    at = end + 8;
  }
  return { chunks, rest: bytes.subarray(at) };
}

/** The profile in a form, as agents send it to /ingest; null for anything else.
 * @param {Uint8Array<ArrayBuffer>} bytes */
function partOf(bytes) {
  if (bytes[0] !== 45 || bytes[1] !== 45) return null;
  const latin = new TextDecoder("latin1");
  const head = latin.decode(bytes.subarray(0, HEAD));
  const line = head.slice(0, Math.max(0, head.indexOf("\r\n")));
  if (line.length < 3 || !/^content-disposition:/im.test(head)) return null;
  const mark = new TextEncoder().encode(`\r\n${line}`);
  for (let at = line.length + 2; at < bytes.length; ) {
    const about = latin.decode(bytes.subarray(at, at + HEAD));
    const length = about.indexOf("\r\n\r\n");
    const end = find(bytes, mark, at);
    if (length < 0 || end < 0) break;
    if (/\bname="?(?:profile|jfr)"?(?:[;\r\n]|$)/i.test(about.slice(0, length))) return bytes.slice(at + length + 4, end);
    at = end + mark.length + 2;
  }
  throw new Refusal('It is a form without a part named "profile" or "jfr".');
}

/** @param {Uint8Array} bytes @param {Uint8Array} mark @param {number} from */
function find(bytes, mark, from) {
  for (let at = bytes.indexOf(mark[0], from); at >= 0; at = bytes.indexOf(mark[0], at + 1)) {
    if (mark.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
