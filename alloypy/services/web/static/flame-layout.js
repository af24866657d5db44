// @ts-check
/** Where each frame of a graph is. Pure, so that the canvas, the SVG and the tests share it. */

export const ROW = 19; // the height of a row in pixels
const NARROWEST = 0.7;
const NARROWEST_HIT = 2;

/** @param {Tree} tree @param {(name: string) => boolean} matches @returns {Hits} */
export function hitsOf(tree, matches) {
  const { parent, name, total } = tree;
  const named = Uint8Array.from(tree.names, (each) => +matches(each));
  const own = new Uint8Array(parent.length);
  const inside = new Uint8Array(parent.length);
  const below = new Uint8Array(parent.length);
  let sum = 0;
  for (let node = 1; node < parent.length; node++) {
    own[node] = named[name[node]];
    inside[node] = inside[parent[node]] | own[node];
    if (own[node] && !inside[parent[node]]) sum += total[node];
  }
  for (let node = parent.length - 1; node > 0; node--) if (own[node] || below[node]) below[parent[node]] = 1;
  return { own, below, total: sum };
}

/** From the top of a tree to a node. @param {Tree} tree @param {number} node */
export function pathTo(tree, node) {
  const path = [];
  for (let at = node; at >= 0; at = tree.parent[at]) {
    path.unshift(at);
    if (at === tree.top) break;
  }
  return path;
}

/** @param {Tree} tree @param {number} node */
export function childSum({ children: { from, list }, total }, node) {
  let sum = 0;
  for (let i = from[node]; i < from[node + 1]; i++) sum += total[list[i]];
  return sum;
}

/** The children of a node, widest first. @param {Tree} tree @param {number} node */
export function sortedChildren(tree, node) {
  const { from, list } = tree.children;
  const found = [];
  for (let i = from[node]; i < from[node + 1]; i++) if (tree.total[list[i]] > 0) found.push(list[i]);
  return found.sort((a, b) => tree.total[b] - tree.total[a] || a - b);
}

/**
 * The rows of boxes, topmost first.
 * @param {Tree} tree @param {number} zoom the node that gets the full width
 * @param {number} width in pixels @param {Hits | null} hits
 * @returns {Box[][]}
 */
export function layout(tree, zoom, width, hits) {
  /** @type {Box[][]} */
  const rows = [];
  for (const node of pathTo(tree, zoom)) rows.push([{ node, x: 0, width, rest: 0, hit: !!hits?.own[node] }]);
  let row = rows[rows.length - 1];
  if (!(tree.total[zoom] > 0)) return rows;
  while (row.length) {
    /** @type {Box[]} */
    const next = [];
    for (const each of row) if (!each.rest) addChildren(tree, each, hits, next);
    if (next.length) rows.push(next);
    row = next;
  }
  return rows;
}

/** @param {Tree} tree @param {Box} over @param {Hits | null} hits @param {Box[]} row */
function addChildren(tree, over, hits, row) {
  const { total } = tree;
  const { from, list } = tree.children;
  const first = from[over.node];
  const end = from[over.node + 1];
  let sum = 0;
  for (let i = first; i < end; i++) sum += Math.max(0, total[list[i]]);
  const scale = over.width / Math.max(sum, total[over.node]); // negative values can make the sum the larger
  const wide = [];
  let narrow = 0;
  let narrowWidth = 0;
  let hit = false;
  for (let i = first; i < end; i++) {
    const node = list[i];
    const width = total[node] * scale;
    if (width >= NARROWEST) wide.push(node);
    else if (width > 0) {
      narrow++;
      narrowWidth += width;
      if (hits && (hits.own[node] || hits.below[node])) hit = true;
    }
  }
  if (wide.length > 1) wide.sort((a, b) => total[b] - total[a] || a - b);
  let x = over.x;
  for (const node of wide) {
    row.push({ node, x, width: total[node] * scale, rest: 0, hit: !!hits?.own[node] });
    x += total[node] * scale;
  }
  if (hit) narrowWidth = Math.max(narrowWidth, NARROWEST_HIT);
  if (narrowWidth >= NARROWEST) {
    const right = Math.max(over.x, Math.min(x, over.x + over.width - narrowWidth));
    row.push({ node: over.node, x: right, width: narrowWidth, rest: narrow, hit });
  }
}

/** The box at a place of a row. @param {Box[] | undefined} row @param {number} x */
export function boxAt(row, x) {
  if (!row) return undefined;
  for (let i = row.length - 1; i >= 0; i--) if (x >= row[i].x && x < row[i].x + Math.max(row[i].width, 1)) return row[i];
  return undefined;
}

/** How the share of a node changed. @param {Tree} tree @param {number} node
 * @returns {Change} */
export function changeOf(tree, node) {
  if (!tree.base) return "same";
  const now = tree.whole ? tree.total[node] / tree.whole : 0;
  const before = tree.wholeBase ? tree.base[node] / tree.wholeBase : 0;
  if (before === 0) return now > 0 ? "new" : "same";
  return (now - before) / Math.max(now, before);
}

/** How wide a box is drawn: a gap after it, unless that would hide it. @param {Box} box */
export const drawnWidth = (box) => Math.max(box.width - (box.width > 3 ? 1 : 0), box.hit ? 2 : 0.5);
