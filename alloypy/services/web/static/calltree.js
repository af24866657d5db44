// @ts-check
/**
 * Call trees: what all decoders fill, and what graph and table are made of.
 *
 * A node is a number; node 0 is the root, and a parent has a lower number than its children. So one pass
 * downwards over the numbers visits children before their parents, and nothing here recurses.
 */

const MOST_NODES = 1 << 22;
const MOST_VALUES = 24_000_000;
const MOST_COLUMNS = 64;

/** A fault of what is shown, as a sentence for its reader. */
export class Refusal extends Error {}

export class CallTree {
  constructor() {
    /** @type {string[]} */
    this.names = [""];
    /** @type {Map<string, number>} */
    this._ids = new Map([["", 0]]);
    this.count = 1;
    this._room = 1 << 10;
    this.parent = new Int32Array(this._room);
    this.name = new Int32Array(this._room);
    this.parent[0] = -1;
    /** @type {Column[]} */
    this.columns = [];
    /** @type {Float64Array[]} what each node has itself, for each column */
    this.self = [];
    // A hash table; a slot is parent, name and node: four numbers, so that it is one line of the cache.
    this._slots = new Int32Array(this._room * 8);
  }

  /** @param {string} text */
  nameId(text) {
    let id = this._ids.get(text);
    if (id === undefined) {
      id = this.names.length;
      this.names.push(text);
      this._ids.set(text, id);
    }
    return id;
  }

  /** The number of a column; -1 if there is none. @param {Kind} kind @param {string} side */
  find({ type, unit }, side) {
    return this.columns.findIndex((c) => c.type === type && c.unit === unit && c.side === side);
  }

  /** The number of a column, which is added if there is none like it.
   * @param {string} type @param {string} unit @param {string} side */
  column(type, unit, side) {
    const known = this.find({ type, unit }, side);
    if (known >= 0) return known;
    if (this.columns.length === MOST_COLUMNS) throw new Refusal(`It has more than ${MOST_COLUMNS} sample types.`);
    this.columns.push({ type, unit, side });
    this.self.push(new Float64Array(this._room));
    this._check(this._room);
    return this.columns.length - 1;
  }

  /** Where a child is in the table, or belongs. @param {number} parent @param {number} name */
  _slot(parent, name) {
    const slots = this._slots;
    const mask = slots.length - 1;
    let at = ((Math.imul(parent, 0x9e3779b1) ^ Math.imul(name + 1, 0x85ebca6b)) >>> 4) & mask & ~3;
    while (slots[at + 2] !== 0 && (slots[at] !== parent || slots[at + 1] !== name)) at = (at + 4) & mask;
    return at;
  }

  /** The child of a node with a name, which is added if there is none.
   * @param {number} parent @param {number} name */
  child(parent, name) {
    let at = this._slot(parent, name);
    const known = this._slots[at + 2];
    if (known !== 0) return known;
    if (this.count === this._room) {
      this._grow();
      at = this._slot(parent, name);
    }
    const node = this.count++;
    this.parent[node] = parent;
    this.name[node] = name;
    this._fill(at, node);
    return node;
  }

  /** @param {number} at @param {number} node */
  _fill(at, node) {
    this._slots[at] = this.parent[node];
    this._slots[at + 1] = this.name[node];
    this._slots[at + 2] = node;
  }

  /** @param {number} room for how many nodes */
  _check(room) {
    if (room > MOST_NODES || room * this.columns.length > MOST_VALUES) {
      throw new Refusal("It has more different stacks than a page can show.");
    }
  }

  _grow() {
    const room = (this._room *= 2);
    this._check(room);
    this.parent = longer(this.parent, room);
    this.name = longer(this.name, room);
    this.self = this.self.map((values) => longer(values, room));
    this._slots = new Int32Array(room * 8);
    for (let node = 1; node < this.count; node++) this._fill(this._slot(this.parent[node], this.name[node]), node);
  }

  /** Give back the room that only growing needs. */
  seal() {
    this.parent = this.parent.slice(0, this.count);
    this.name = this.name.slice(0, this.count);
    this.self = this.self.map((values) => values.slice(0, this.count));
    this._slots = new Int32Array(0);
    this._ids = new Map();
  }
}

/** @template {Int32Array | Float64Array | Uint8Array} T @param {T} values @param {number} room @returns {T} */
export function longer(values, room) {
  const wider = new /** @type {any} */ (values.constructor)(room);
  wider.set(values);
  return wider;
}

/** What each node and all below it have. @param {Int32Array} parent @param {Float64Array} self */
export function totals(parent, self) {
  const total = self.slice();
  for (let node = parent.length - 1; node > 0; node--) total[parent[node]] += total[node];
  return total;
}

/** The children of all nodes. @param {Int32Array} parent @returns {Children} */
export function childLists(parent) {
  const count = parent.length;
  const from = new Int32Array(count + 1);
  for (let node = 1; node < count; node++) from[parent[node] + 1]++;
  for (let node = 0; node < count; node++) from[node + 1] += from[node];
  const list = new Int32Array(Math.max(0, count - 1));
  const next = from.slice();
  for (let node = 1; node < count; node++) list[next[parent[node]]++] = node;
  return { from, list };
}

/** Which nodes are not below another of the same name; only they count for the total of a function.
 * @param {CallTree} tree sealed @param {Children} children */
export function outermost({ parent, name, names }, children) {
  const outer = new Uint8Array(parent.length);
  const open = new Int32Array(names.length);
  const next = children.from.slice();
  let node = 0;
  open[name[0]]++;
  while (node >= 0) {
    if (next[node] < children.from[node + 1]) {
      node = children.list[next[node]++];
      outer[node] = open[name[node]]++ === 0 ? 1 : 0;
    } else {
      open[name[node]]--;
      node = parent[node];
    }
  }
  return outer;
}

/** What each function has itself, and with all that it calls. @param {CallTree} tree @param {Uint8Array} outer
 * @param {Float64Array} self @param {Float64Array} total */
export function byFunction({ name, names }, outer, self, total) {
  const own = new Float64Array(names.length);
  const all = new Float64Array(names.length);
  for (let node = 1; node < name.length; node++) {
    own[name[node]] += self[node];
    if (outer[node]) all[name[node]] += total[node];
  }
  return { self: own, total: all };
}

/**
 * What calls a function, and what it calls: two trees with the function as the first node below the root.
 * In the tree of callers each node is called by its children.
 * @param {CallTree} tree sealed @param {number} name @param {Uint8Array} outer
 */
export function sandwich(tree, name, outer) {
  const all = tree.self.map((self) => totals(tree.parent, self));
  const callers = like(tree);
  const callees = like(tree);
  const below = new Int32Array(tree.count).fill(-1);
  const top = callees.child(0, name);
  const bottom = callers.child(0, name);
  for (let node = 1; node < tree.count; node++) {
    const over = below[tree.parent[node]];
    if (over >= 0) below[node] = callees.child(over, tree.name[node]);
    else if (tree.name[node] === name && outer[node]) {
      below[node] = top;
      let at = bottom;
      for (let up = tree.parent[node]; up > 0; up = tree.parent[up]) at = callers.child(at, tree.name[up]);
      for (let c = 0; c < all.length; c++) callers.self[c][at] += all[c][node];
    } else continue;
    for (let c = 0; c < all.length; c++) callees.self[c][below[node]] += tree.self[c][node];
  }
  callers.seal();
  callees.seal();
  return { callers, callees };
}

/** An empty tree with the names and columns of another. @param {CallTree} tree */
function like(tree) {
  const other = new CallTree();
  other.names = tree.names;
  for (const { type, unit, side } of tree.columns) other.column(type, unit, side);
  return other;
}
