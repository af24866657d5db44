// @ts-check
/** Decodes pprof (profile.proto of github.com/google/pprof), already unpacked. */

import { Refusal, longer } from "./calltree.js";

const UNKNOWN = "<unknown>";
const damaged = (/** @type {string} */ what) => new Refusal(`It is damaged: ${what}.`);

/** Reads protobuf from bytes. */
export class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  /** A varint of at most 53 bits; larger ones lose their low bits. */
  varint() {
    const b = this.bytes;
    let x = b[this.at++];
    if (x < 128) return x;
    let r = x & 127;
    x = b[this.at++];
    if (x < 128) return r | (x << 7);
    r |= (x & 127) << 7;
    x = b[this.at++];
    if (x < 128) return r | (x << 14);
    r |= (x & 127) << 14;
    for (let scale = 0x200000, most = this.at + 7; ; scale *= 128) {
      if (this.at >= this.end) throw damaged("it ends in the middle of a number");
      if (this.at === most) throw damaged("a number has more than 10 bytes");
      x = b[this.at++];
      r += (x & 127) * scale;
      if (x < 128) return r;
    }
  }

  /** The signed number of 64 bits that ends here. @param {number} from */
  big(from) {
    let value = 0n;
    for (let at = this.at - 1; at >= from; at--) value = (value << 7n) | BigInt(this.bytes[at] & 127);
    return BigInt.asIntN(64, value);
  }

  int64() {
    const from = this.at;
    const value = this.varint();
    return this.at - from < 10 ? value : Number(this.big(from));
  }

  /** @returns {Big} */
  any() {
    const from = this.at;
    const value = this.varint();
    return value <= Number.MAX_SAFE_INTEGER ? value : this.big(from);
  }

  /** The end of the field of variable length that begins here. */
  field() {
    const end = this.varint() + this.at;
    if (!(end <= this.end)) throw damaged("a part is longer than what holds it");
    return end;
  }

  /** @param {number} tag */
  skip(tag) {
    const kind = tag & 7;
    if (kind === 0) this.varint();
    else if (kind === 2) this.at = this.field();
    else if (kind === 1) this.at += 8;
    else if (kind === 5) this.at += 4;
    else throw damaged("it has a field of unknown kind");
  }

  /** Call `take` with the tag of each field of a message, which reads its value; false leaves it.
   * @param {number} from @param {number} end @param {(tag: number) => boolean | void} take */
  message(from, end, take) {
    const outside = this.end;
    this.at = from;
    this.end = end;
    while (this.at < end) {
      const tag = this.varint();
      if (tag < 8) throw damaged("it has a field without a number");
      if (take(tag) === false) this.skip(tag);
      if (this.at > end) throw damaged("it ends too early");
    }
    this.end = outside;
  }

  /** The numbers in a message, by field. @param {number} from @param {number} end */
  numbers(from, end) {
    /** @type {Big[]} */
    const found = [];
    this.message(from, end, (tag) => {
      if (tag & 7) return false;
      found[tag >>> 3] = this.any();
    });
    return found;
  }
}

/** The texts of a profile by number, decoded when used. @param {Reader} r @param {number[]} places */
function texts(r, places) {
  const decoder = new TextDecoder();
  /** @type {string[]} */
  const known = [];
  return (/** @type {Big | undefined} */ given) => {
    const i = Number(given ?? 0);
    if (!i && !places.length) return "";
    if (!(i >= 0 && i * 2 < places.length)) throw damaged(`it names text ${i} of ${places.length / 2}`);
    return (known[i] ??= decoder.decode(r.bytes.subarray(places[i * 2], places[i * 2 + 1])));
  };
}

/** @template T @param {number[]} places starts and ends @param {(from: number, end: number) => T} read */
function each(places, read) {
  const all = [];
  for (let i = 0; i < places.length; i += 2) all.push(read(places[i], places[i + 1]));
  return all;
}

/** @param {Uint8Array} bytes @param {Sink} sink */
export function decodePprof(bytes, sink) {
  const r = new Reader(bytes);
  /** @type {number[][]} where the messages of each field start and end */
  const found = Array.from({ length: 16 }, () => []);
  /** @type {Big[]} */
  const single = [];
  r.message(0, bytes.length, (tag) => {
    const field = tag >>> 3;
    if ((tag & 7) === 0) single[field] = r.any();
    else if ((tag & 7) === 2) {
      const end = r.field();
      found[field]?.push(r.at, end);
      r.at = end;
    } else return false;
  });
  const text = texts(r, found[6]);
  const types = each(found[1], (from, end) => {
    const [, type, unit] = r.numbers(from, end);
    return { type: text(type), unit: text(unit) };
  });
  if (!types.length) throw damaged("it has no sample types");
  const columns = Int32Array.from(types, (t) => sink.column(t.type, t.unit));
  const samples = new Samples(r, columns, text, sink, found);
  each(found[2], (from, end) => samples.add(from, end));
  if (single[7]) sink.notes.push(`Its maker asks to hide frames like ${text(single[7])}; they are shown.`);
  const preferred = types.find((t) => t.type === text(single[14])) ?? types[types.length - 1];
  sink.about = {
    samples: found[2].length / 2,
    time: Number(single[9] ?? 0) / 1e6,
    seconds: Number(single[10] ?? 0) / 1e9,
    preferred: preferred.type,
  };
}

/** Adds samples to the tree. Neighbours often share frames: what is the same is not looked up again. */
class Samples {
  /** @param {Reader} r @param {Int32Array} columns @param {ReturnType<typeof texts>} text @param {Sink} sink
   * @param {number[][]} found */
  constructor(r, columns, text, sink, found) {
    this.r = r;
    this.columns = columns;
    this.text = text;
    this.sink = sink;
    /** @type {number[][]} of each location the names of its functions; those that others are inlined into first */
    this.frames = [];
    this.dense = new Int32Array(found[4].length / 2 + 2).fill(-1);
    /** @type {Map<Big, number>} */
    this.sparse = new Map();
    this._locations(found);
    this.stack = new Int32Array(512);
    this.before = new Int32Array(512);
    this.nodes = new Int32Array(512);
    this.depth = 0;
    this.base = 0;
    this.values = new Float64Array(columns.length);
  }

  /** @param {number[][]} found */
  _locations(found) {
    const { r, text, frames, sink } = this;
    const name = (/** @type {string} */ given) => sink.tree.nameId(given || UNKNOWN);
    /** @type {Map<Big, number>} */
    const functions = new Map();
    /** @type {Map<Big, string>} */
    const mappings = new Map();
    each(found[5], (from, end) => {
      const [, id, called] = r.numbers(from, end);
      functions.set(id, name(text(called)));
    });
    each(found[3], (from, end) => {
      const mapping = r.numbers(from, end);
      mappings.set(mapping[1], text(mapping[5]));
    });
    each(found[4], (from, end) => {
      /** @type {number[]} */
      const lines = [];
      const [, id = 0, mapping] = r.numbers(from, end);
      r.message(from, end, (tag) => {
        if (tag !== 34) return false;
        const last = r.field();
        lines.push(functions.get(r.numbers(r.at, last)[1]) ?? name(""));
      });
      const path = mappings.get(mapping);
      if (!lines.length) lines.push(name(path ? `[${path.slice(path.lastIndexOf("/") + 1)}]` : ""));
      if (id >= 0 && id < this.dense.length) this.dense[Number(id)] = frames.length;
      else this.sparse.set(id, frames.length);
      frames.push(lines.reverse());
    });
  }

  /** @param {number} from @param {number} end */
  add(from, end) {
    const { r, values } = this;
    r.at = from;
    r.end = end;
    let depth = 0;
    let given = 0;
    let labelled = false;
    values.fill(0);
    while (r.at < end) {
      const tag = r.varint();
      if (tag === 10) for (const last = r.field(); r.at < last; ) depth = this._push(depth);
      else if (tag === 8) depth = this._push(depth);
      else if (tag === 18) for (const last = r.field(); r.at < last; ) values[given++] = r.int64();
      else if (tag === 16) values[given++] = r.int64();
      else {
        labelled ||= tag === 26;
        r.skip(tag);
      }
    }
    if (r.at > end) throw damaged("it ends too early");
    if (given !== values.length) throw damaged(`a sample has ${given} values for ${values.length} types`);
    const node = this._walk(depth, labelled ? this._label(from, end) : 0);
    const { self } = this.sink.tree;
    for (let i = 0; i < given; i++) if (values[i] !== 0) self[this.columns[i]][node] += values[i];
    r.end = r.bytes.length;
  }

  /** Read the id of a location. @param {number} depth */
  _push(depth) {
    const { r, dense, sparse } = this;
    /** @type {Big} */
    let id = r.bytes[r.at];
    if (id < 128) r.at++;
    else id = r.any();
    const place = id >= 0 && id < dense.length ? dense[Number(id)] : sparse.get(id) ?? -1;
    if (place < 0) throw damaged(`a sample names a location (${id}) that it does not have`);
    if (depth === this.stack.length) {
      this.stack = longer(this.stack, depth * 2);
      this.before = longer(this.before, depth * 2);
      this.nodes = longer(this.nodes, depth * 2);
    }
    this.stack[depth] = place;
    return depth + 1;
  }

  /** The node of the stack that was read. @param {number} depth @param {number} base where it begins */
  _walk(depth, base) {
    const { stack, before, nodes, frames } = this;
    const { tree } = this.sink;
    const same = base === this.base ? Math.min(depth, this.depth) : 0;
    let d = 0;
    while (d < same && before[d] === stack[depth - 1 - d]) d++;
    let node = d ? nodes[d - 1] : base;
    for (; d < depth; d++) {
      const place = stack[depth - 1 - d];
      const names = frames[place];
      for (let i = 0; i < names.length; i++) node = tree.child(node, names[i]);
      before[d] = place;
      nodes[d] = node;
    }
    this.depth = depth;
    this.base = base;
    return node;
  }

  /** Tell the sink about the labels of a sample; the node that its stack begins at.
   * @param {number} from @param {number} end */
  _label(from, end) {
    const { r, text, sink } = this;
    let base = 0;
    r.message(from, end, (tag) => {
      if (tag !== 26) return false;
      const last = r.field();
      const [, key, value, number, unit] = r.numbers(r.at, last);
      base ||= sink.label(text(key), () => (value ? text(value) : `${number ?? 0} ${text(unit)}`.trim()));
    });
    return base;
  }
}
