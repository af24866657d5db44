// @ts-check
/** Decodes pprof (profile.proto of github.com/google/pprof), already unpacked. */

import { Refusal } from './calltree.js';

/** @typedef {import('./formats.js').Sink} Sink */

const damaged = (/** @type {string} */ what) => new Refusal(`The pprof is damaged: ${what}.`);

/** Reads protobuf from bytes. */
class Reader {
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
    x = b[this.at++];
    if (x < 128) return r + x * 0x200000;
    r += (x & 127) * 0x200000;
    for (let scale = 0x10000000, most = this.at + 6; ; scale *= 128) {
      if (this.at >= this.end) throw damaged('it ends in the middle of a number');
      x = b[this.at++];
      r += (x & 127) * scale;
      if (x < 128) return r;
      if (this.at >= most) throw damaged('a number has more than 10 bytes');
    }
  }

  /** A signed number of 64 bits. */
  int64() {
    const from = this.at;
    const r = this.varint();
    if (this.at - from < 10) return r;
    // Negative numbers have ten bytes: all bits are inverted first, so that small ones stay exact.
    let inverted = 0;
    for (let i = 0, scale = 1; i < 9; i++, scale *= 128) inverted += (~this.bytes[from + i] & 127) * scale;
    return -inverted - 1;
  }

  /** An id; those that a number cannot hold become a text. @returns {number | string} */
  id() {
    const from = this.at;
    const r = this.varint();
    return r <= Number.MAX_SAFE_INTEGER ? r : this.bytes.slice(from, this.at).join();
  }

  /** The end of the field of variable length that begins here. */
  field() {
    const end = this.varint() + this.at;
    if (!(end <= this.end)) throw damaged('a part is longer than what holds it');
    return end;
  }

  /** @param {number} tag */
  skip(tag) {
    const kind = tag & 7;
    if (kind === 0) this.varint();
    else if (kind === 2) this.at = this.field();
    else if (kind === 1) this.at += 8;
    else if (kind === 5) this.at += 4;
    else throw damaged('it has a field of unknown kind');
  }

  /** Call `take` with the tag of each field of a message, which reads its value; false leaves it.
   * @param {number} from @param {number} end @param {(tag: number) => boolean | void} take */
  message(from, end, take) {
    const outside = this.end;
    this.at = from;
    this.end = end;
    while (this.at < end) {
      const tag = this.varint();
      if (tag < 8) throw damaged('it has a field without a number');
      if (take(tag) === false) this.skip(tag);
      if (this.at > end) throw damaged('it ends too early');
    }
    this.end = outside;
  }
}

/** Where the parts of a profile are. @param {Reader} r */
function survey(r) {
  /** @type {Record<number, number[]>} starts and ends, by field */
  const found = { 1: [], 2: [], 3: [], 4: [], 5: [], 6: [] };
  const single = { time: 0, duration: 0, preferred: 0, drop: 0, periodType: [0, 0], period: 0 };
  r.message(0, r.bytes.length, (tag) => {
    if (tag === 72) single.time = r.int64();
    else if (tag === 80) single.duration = r.int64();
    else if (tag === 96) single.period = r.int64();
    else if (tag === 112) single.preferred = r.int64();
    else if (tag === 56) single.drop = r.int64();
    else if ((tag & 7) === 2) {
      const end = r.field();
      found[tag >>> 3]?.push(r.at, end);
      if (tag === 90) single.periodType = [r.at, end];
      r.at = end;
    } else return false;
  });
  return { found, single };
}

/** @param {Reader} r @param {number[]} places */
function texts(r, places) {
  const decoder = new TextDecoder();
  /** @type {string[]} */
  const known = [];
  return (/** @type {number} */ i) => {
    if (!(i >= 0 && i * 2 < places.length)) {
      if (i === 0) return '';
      throw damaged(`it names text ${i} of ${places.length / 2}`);
    }
    return (known[i] ??= decoder.decode(r.bytes.subarray(places[i * 2], places[i * 2 + 1])));
  };
}

/** @param {Reader} r @param {number[]} places @param {(i: number) => string} text */
function valueTypes(r, places, text) {
  const types = [];
  for (let i = 0; i < places.length; i += 2) {
    let type = 0;
    let unit = 0;
    r.message(places[i], places[i + 1], (tag) => {
      if (tag === 8) type = r.varint();
      else if (tag === 16) unit = r.varint();
      else return false;
    });
    types.push({ type: text(type), unit: text(unit) });
  }
  return types;
}

/** Names of functions or mappings by id. @param {Reader} r @param {number[]} places
 * @param {number} field the tag of the name @param {(i: number) => any} name */
function named(r, places, field, name) {
  const names = new Map();
  for (let i = 0; i < places.length; i += 2) {
    /** @type {number | string} */
    let id = 0;
    let text = 0;
    r.message(places[i], places[i + 1], (tag) => {
      if (tag === 8) id = r.id();
      else if (tag === field) text = r.varint();
      else return false;
    });
    names.set(id, name(text));
  }
  return names;
}

/**
 * The frames of each location, outermost first, as names of the tree. Inlined functions are frames.
 * `at(id)` is the place of a location in `frames`.
 * @param {Reader} r @param {Record<number, number[]>} found @param {(i: number) => string} text @param {Sink} sink
 */
function locations(r, found, text, sink) {
  const functions = named(r, found[5], 16, (i) => sink.tree.nameId(text(i) || '<unknown>'));
  const mappings = named(r, found[3], 40, text);
  const places = found[4];
  const dense = new Int32Array(places.length / 2 + 2).fill(-1);
  const others = new Map();
  /** @type {number[][]} */
  const frames = [];
  for (let i = 0; i < places.length; i += 2) {
    /** @type {number | string} */
    let id = 0;
    /** @type {number | string} */
    let mapping = 0;
    /** @type {number[]} */
    const lines = [];
    r.message(places[i], places[i + 1], (tag) => {
      if (tag === 8) id = r.id();
      else if (tag === 16) mapping = r.id();
      else if (tag === 34) {
        /** @type {number | string} */
        let called = 0;
        const end = r.field();
        r.message(r.at, end, (inner) => {
          if (inner !== 8) return false;
          called = r.id();
        });
        lines.push(functions.get(called) ?? sink.tree.nameId('<unknown>'));
      } else return false;
    });
    if (!lines.length) lines.push(sink.tree.nameId(objectName(mappings.get(mapping))));
    if (typeof id === 'number' && id < dense.length) dense[id] = frames.length;
    else others.set(id, frames.length);
    frames.push(lines.reverse());
  }
  return { frames, dense, others };
}

/** What stands for code without symbols. @param {string | undefined} path */
function objectName(path) {
  return path ? `[${path.slice(path.lastIndexOf('/') + 1)}]` : '<unknown>';
}

/**
 * @param {Uint8Array} bytes
 * @param {Sink} sink
 */
export function decodePprof(bytes, sink) {
  const r = new Reader(bytes);
  const { found, single } = survey(r);
  const text = texts(r, found[6]);
  const types = valueTypes(r, found[1], text);
  if (!types.length) throw damaged('it has no sample types');
  const columns = Int32Array.from(types, (t) => sink.column(t.type, t.unit));
  const where = locations(r, found, text, sink);
  const samples = new Samples(r, where, columns, text, sink);
  const places = found[2];
  for (let i = 0; i < places.length; i += 2) samples.add(places[i], places[i + 1]);
  if (single.drop) sink.note(`Its maker asks to hide frames like ${text(single.drop)}; they are shown.`);
  const preferred = single.preferred ? text(single.preferred) : '';
  const period = single.periodType[1] ? valueTypes(r, single.periodType, text)[0] : undefined;
  sink.about({
    samples: places.length / 2,
    time: single.time / 1e6,
    seconds: single.duration / 1e9,
    preferred: (types.find((t) => t.type === preferred) ?? types[types.length - 1]).type,
    period: period && period.type ? { ...period, value: single.period } : undefined,
  });
}

/** Adds samples to the tree. Neighbours often share frames: what is the same is not looked up again. */
class Samples {
  /** @param {Reader} r @param {ReturnType<typeof locations>} where @param {Int32Array} columns
   * @param {(i: number) => string} text @param {Sink} sink */
  constructor(r, where, columns, text, sink) {
    this.r = r;
    this.where = where;
    this.columns = columns;
    this.text = text;
    this.sink = sink;
    this.stack = new Int32Array(512);
    this.before = new Int32Array(512);
    this.nodes = new Int32Array(512);
    this.depth = 0;
    this.base = 0;
    this.values = new Float64Array(columns.length);
  }

  /** @param {number} from @param {number} end */
  add(from, end) {
    const { r, values } = this;
    r.at = from;
    r.end = end;
    let depth = 0;
    let given = 0;
    let labels = 0;
    values.fill(0);
    while (r.at < end) {
      const tag = r.varint();
      if (tag === 10) {
        const last = r.field();
        while (r.at < last) depth = this.push(depth);
      } else if (tag === 8) depth = this.push(depth);
      else if (tag === 18) {
        const last = r.field();
        while (r.at < last) values[given++] = r.int64();
      } else if (tag === 16) values[given++] = r.int64();
      else {
        if (tag === 26) labels = labels || r.at;
        r.skip(tag);
      }
    }
    if (r.at > end) throw damaged('it ends too early');
    if (given !== values.length) throw damaged(`a sample has ${given} values for ${values.length} types`);
    const base = labels && this.sink.labelled ? this.label(from, end) : 0;
    const node = this.walk(depth, base);
    const { self } = this.sink.tree;
    for (let i = 0; i < values.length; i++) if (values[i] !== 0) self[this.columns[i]][node] += values[i];
    r.end = r.bytes.length;
  }

  /** Read the id of a location. @param {number} depth */
  push(depth) {
    const { r, where } = this;
    const small = r.bytes[r.at];
    /** @type {number | string} */
    let id = small;
    if (small < 128) r.at++;
    else id = r.id();
    const place = typeof id === 'number' && id < where.dense.length ? where.dense[id] : where.others.get(id) ?? -1;
    if (place < 0) throw damaged(`a sample names a location (${id}) that it does not have`);
    if (depth === this.stack.length) {
      [this.stack, this.before, this.nodes] = [this.stack, this.before, this.nodes].map((values) => {
        const wider = new Int32Array(depth * 2);
        wider.set(values);
        return wider;
      });
    }
    this.stack[depth] = place;
    return depth + 1;
  }

  /** The node of a stack. @param {number} depth @param {number} base */
  walk(depth, base) {
    const { stack, before, nodes, sink } = this;
    const same = base === this.base ? Math.min(depth, this.depth) : 0;
    let d = 0;
    while (d < same && before[d] === stack[depth - 1 - d]) d++;
    let node = d ? nodes[d - 1] : base;
    for (; d < depth; d++) {
      const place = stack[depth - 1 - d];
      const frames = this.where.frames[place];
      for (let i = 0; i < frames.length; i++) node = sink.tree.child(node, frames[i]);
      before[d] = place;
      nodes[d] = node;
    }
    this.depth = depth;
    this.base = base;
    return node;
  }

  /** Tell the sink about the labels of a sample; the node that its stack begins at.
   * @param {number} from @param {number} end */
  label(from, end) {
    const { r, text } = this;
    let base = 0;
    r.message(from, end, (tag) => {
      if (tag !== 26) return false;
      let key = 0;
      let value = 0;
      let number = 0;
      let unit = 0;
      const last = r.field();
      r.message(r.at, last, (inner) => {
        if (inner === 8) key = r.varint();
        else if (inner === 16) value = r.varint();
        else if (inner === 24) number = r.int64();
        else if (inner === 32) unit = r.varint();
        else return false;
      });
      base = this.sink.label(text(key), () => (value ? text(value) : `${number} ${text(unit)}`.trim())) || base;
    });
    return base;
  }
}
