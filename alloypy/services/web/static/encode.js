// @ts-check
/** Writes a call tree as pprof. */

import { longer } from "./calltree.js";

/** A growing message of protobuf. */
class Writer {
  constructor() {
    this.bytes = new Uint8Array(1 << 16);
    this.at = 0;
  }

  /** @param {number} more */
  _room(more) {
    const needed = this.at + more;
    if (needed > this.bytes.length) this.bytes = longer(this.bytes, needed * 2);
  }

  /** @param {number} value an integer of at most 53 bits */
  varint(value) {
    this._room(10);
    let rest = value < 0 ? BigInt.asUintN(64, BigInt(value)) : 0n;
    for (; rest > 127n; rest >>= 7n) this.bytes[this.at++] = Number(rest & 127n) | 128;
    for (value = value < 0 ? Number(rest) : value; value > 127; value = Math.floor(value / 128)) {
      this.bytes[this.at++] = (value % 128) | 128;
    }
    this.bytes[this.at++] = value;
  }

  /** @param {number} field @param {number} value */
  number(field, value) {
    this.varint(field * 8);
    this.varint(value);
  }

  /** @param {number} field @param {Uint8Array} bytes */
  block(field, bytes) {
    this.varint(field * 8 + 2);
    this.varint(bytes.length);
    this._room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** What was written; the next message begins. */
  take() {
    const taken = this.bytes.slice(0, this.at);
    this.at = 0;
    return taken;
  }
}

/**
 * The tree as pprof. Of a diff, the first profile counts negative and is labelled, as `go tool pprof -diff_base`
 * has it.
 * @param {CallTree} tree @param {Kind[]} types
 */
export function encodePprof(tree, types) {
  const out = new Writer();
  const part = new Writer();
  const inner = new Writer();
  const texts = new Map([["", 0]]);
  const text = (/** @type {string} */ given) => {
    if (!texts.has(given)) texts.set(given, texts.size);
    return texts.get(given) ?? 0;
  };
  for (const { type, unit } of types) {
    part.number(1, text(type));
    part.number(2, text(unit));
    out.block(1, part.take());
  }
  const used = new Uint8Array(tree.names.length);
  for (const side of new Set(tree.columns.map((column) => column.side))) {
    const columns = types.map((t) => tree.find(t, side));
    for (let node = 0; node < tree.count; node++) {
      if (!columns.some((c) => c >= 0 && tree.self[c][node])) continue;
      for (let at = node; at > 0; at = tree.parent[at]) {
        inner.varint(tree.name[at] + 1);
        used[tree.name[at]] = 1;
      }
      part.block(1, inner.take());
      for (const c of columns) inner.varint((c < 0 ? 0 : Math.round(tree.self[c][node])) * (side === "a" ? -1 : 1));
      part.block(2, inner.take());
      if (side === "a") {
        inner.number(1, text("pprof::base"));
        inner.number(2, text("true"));
        part.block(3, inner.take());
      }
      out.block(2, part.take());
    }
  }
  tree.names.forEach((name, i) => {
    if (!used[i]) return;
    inner.number(1, i + 1);
    part.number(1, i + 1);
    part.block(4, inner.take());
    out.block(4, part.take());
    part.number(1, i + 1);
    part.number(2, text(name));
    part.number(3, text(name));
    out.block(5, part.take());
  });
  const encoder = new TextEncoder();
  for (const given of texts.keys()) out.block(6, encoder.encode(given));
  return out.take();
}
