// @ts-check
/** A flame graph on a canvas. Only the rows in view are drawn; each frame can be reached with the keyboard. */

import { changeColour, colourOf, fixedColours } from "./flame-colours.js";
import { boxAt, changeOf, layout, pathTo, sortedChildren } from "./flame-layout.js";
import { fitted } from "./flame-text.js";

/** @typedef {import("./flame-layout.js").Tree} Tree */
/** @typedef {import("./flame-layout.js").Box} Box */
/** @typedef {import("./flame-layout.js").Hits} Hits */
/** @typedef {{zoomed: (node: number) => void, chosen: (node: number) => void, pointed: (box: Box | null, event: MouseEvent | null) => void}} Listener */

export const ROW = 19;
const dark = matchMedia("(prefers-color-scheme: dark)");

export class FlameCanvas {
  /**
   * @param {HTMLElement} host an element that scrolls @param {string} label its name for screen readers
   * @param {Listener} listener @param {boolean} [upwards] whether the first row is the lowest
   */
  constructor(host, label, listener, upwards = false) {
    this.host = host;
    this.listener = listener;
    this.upwards = upwards;
    /** @type {Tree | null} */
    this.tree = null;
    /** @type {Hits | null} */
    this.hits = null;
    /** @type {Box[][]} */
    this.rows = [];
    this.zoom = 0;
    this.current = 0;
    this.safe = false;
    this._frame = 0;
    this._stale = true;
    this.size = document.createElement("div");
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "flame graph");
    this.canvas.setAttribute("aria-label", label);
    this.canvas.setAttribute("aria-describedby", "status");
    this.size.append(this.canvas);
    host.replaceChildren(this.size);
    this._listen();
  }

  _listen() {
    const { canvas, host } = this;
    dark.addEventListener("change", () => this.redraw());
    new ResizeObserver(() => this.relayout()).observe(host);
    const watch = () => {
      matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", watch, { once: true });
      this.redraw();
    };
    watch();
    host.addEventListener("scroll", () => this.redraw(), { passive: true });
    canvas.addEventListener("focus", () => this.redraw());
    canvas.addEventListener("blur", () => this.redraw());
    canvas.addEventListener("keydown", (event) => this._key(event));
    canvas.addEventListener("pointermove", (event) => this.listener.pointed(this._boxOf(event), event));
    canvas.addEventListener("pointerleave", () => this.listener.pointed(null, null));
    canvas.addEventListener("click", (event) => {
      const box = this._boxOf(event);
      if (!box || !this.tree) return;
      this.choose(box.node, false);
      this.listener.zoomed(box.node);
    });
  }

  /** @param {Tree} tree @param {number} zoom */
  show(tree, zoom) {
    this.tree = tree;
    this.zoom = zoom;
    this.current = zoom;
    this.hits = null;
    this.relayout();
  }

  /** @param {number} node */
  zoomTo(node) {
    this.zoom = node;
    this.current = node;
    this.host.scrollTop = this.upwards ? this.host.scrollHeight : 0;
    this.relayout();
  }

  /** @param {Hits | null} hits */
  mark(hits) {
    this.hits = hits;
    this.relayout();
  }

  relayout() {
    this._stale = true;
    this.redraw();
  }

  redraw() {
    if (!this._frame) this._frame = requestAnimationFrame(() => this._draw());
  }

  /** @param {number} depth */
  _top(depth) {
    return (this.upwards ? this.rows.length - 1 - depth : depth) * ROW;
  }

  _lay() {
    const { tree, host, size } = this;
    if (!tree) return;
    this._stale = false;
    this.rows = layout(tree, this.zoom, host.clientWidth, this.hits);
    size.style.height = `${this.rows.length * ROW}px`;
  }

  _draw() {
    this._frame = 0;
    if (!this.tree || !this.host.clientWidth) return;
    if (this._stale) this._lay();
    const { canvas, host, rows } = this;
    const width = host.clientWidth;
    const height = Math.min(host.clientHeight || rows.length * ROW, rows.length * ROW);
    const ratio = devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = '12px ui-monospace, "SF Mono", Menlo, Consolas, monospace';
    context.textBaseline = "middle";
    const scrolled = host.scrollTop;
    const brush = new Brush(context, this.tree, this.hits, { dark: dark.matches, safe: this.safe });
    for (let depth = 0; depth < rows.length; depth++) {
      const y = this._top(depth) - scrolled;
      if (y <= -ROW || y >= height) continue;
      for (const box of rows[depth]) brush.fill(box, y);
    }
    if (document.activeElement === canvas) this._outline(brush, scrolled);
  }

  /** @param {Brush} brush @param {number} scrolled */
  _outline(brush, scrolled) {
    const depth = pathTo(/** @type {Tree} */ (this.tree), this.current).length - 1;
    const row = this.rows[depth] ?? [];
    const parent = this.tree?.parent[this.current];
    const box = row.find((each) => each.node === this.current && !each.rest) ?? row.find((each) => each.rest && each.node === parent);
    if (box) brush.outline(box, this._top(depth) - scrolled);
  }

  /** @param {MouseEvent} event */
  _boxOf(event) {
    const place = this.canvas.getBoundingClientRect();
    const line = Math.floor((event.clientY - place.top + this.host.scrollTop) / ROW);
    return boxAt(this.rows[this.upwards ? this.rows.length - 1 - line : line], event.clientX - place.left) ?? null;
  }

  /** Make a frame the current one. @param {number} node @param {boolean} [reveal] scroll to it */
  choose(node, reveal = true) {
    this.current = node;
    if (reveal && this.tree) {
      const top = this._top(pathTo(this.tree, node).length - 1);
      const { host } = this;
      if (top < host.scrollTop) host.scrollTop = top;
      else if (top + ROW > host.scrollTop + host.clientHeight) host.scrollTop = top + ROW - host.clientHeight;
    }
    this.listener.chosen(node);
    this.redraw();
  }

  /** @param {number} step */
  _sibling(step) {
    const tree = /** @type {Tree} */ (this.tree);
    if (this.current === tree.top || pathTo(tree, this.zoom).includes(this.current)) return;
    const row = sortedChildren(tree, tree.parent[this.current]);
    const next = row[row.indexOf(this.current) + step];
    if (next !== undefined) this.choose(next);
  }

  /** The next match after the current frame, in the order of drawing. @param {number} step */
  nextMatch(step) {
    const { tree, hits, rows } = this;
    if (!tree || !hits) return;
    const found = rows.flat().filter((box) => box.hit && !box.rest).map((box) => box.node);
    if (!found.length) return;
    const at = found.indexOf(this.current);
    this.choose(found[(at + step + found.length + (at < 0 && step < 0 ? 1 : 0)) % found.length]);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const { tree } = this;
    if (!tree || event.ctrlKey || event.metaKey || event.altKey) return;
    const deeper = () => {
      const path = pathTo(tree, this.zoom);
      const on = path.indexOf(this.current);
      const next = on >= 0 && on < path.length - 1 ? path[on + 1] : sortedChildren(tree, this.current)[0];
      if (next !== undefined) this.choose(next);
    };
    const back = () => {
      if (this.current !== tree.top) this.choose(tree.parent[this.current]);
    };
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: this.upwards ? back : deeper,
      ArrowUp: this.upwards ? deeper : back,
      ArrowLeft: () => this._sibling(-1),
      ArrowRight: () => this._sibling(1),
      Home: () => this.choose(tree.top),
      Enter: () => this.listener.zoomed(this.current),
      Escape: () => this.listener.zoomed(tree.top),
      n: () => this.nextMatch(1),
      N: () => this.nextMatch(-1),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

/** Draws boxes. */
class Brush {
  /** @param {CanvasRenderingContext2D} context @param {Tree} tree @param {Hits | null} hits
   * @param {import("./flame-colours.js").Palette} palette */
  constructor(context, tree, hits, palette) {
    this.context = context;
    this.tree = tree;
    this.hits = hits;
    this.palette = palette;
    this.fixed = fixedColours(palette);
    this.letter = context.measureText("M").width;
  }

  /** @param {Box} box @param {number} y */
  fill(box, y) {
    const { context, fixed } = this;
    const width = Math.max(box.width - (box.width > 3 ? 1 : 0), box.hit ? 2 : 0.5);
    context.fillStyle = fillOf(this.tree, box, this.hits !== null, this.palette);
    context.fillRect(box.x, y, width, ROW - 1);
    if (!box.rest && changeOf(this.tree, box.node) === "new") this._hatch(box.x, y, width);
    const letters = Math.floor((width - 6) / this.letter);
    if (letters < 2) return;
    const text = labelOf(this.tree, box, letters);
    if (!text) return;
    context.save();
    context.beginPath();
    context.rect(box.x, y, width - 2, ROW);
    context.clip();
    context.fillStyle = box.hit && !this.palette.dark ? "#111111" : fixed.text;
    context.fillText(text, box.x + 3, y + ROW / 2);
    context.restore();
  }

  /** @param {number} x @param {number} y @param {number} width */
  _hatch(x, y, width) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, width, ROW - 1);
    context.clip();
    context.strokeStyle = this.fixed.hatch;
    context.lineWidth = 2;
    context.beginPath();
    for (let at = x - ROW; at < x + width; at += 8) {
      context.moveTo(at, y + ROW);
      context.lineTo(at + ROW, y);
    }
    context.stroke();
    context.restore();
  }

  /** @param {Box} box @param {number} y */
  outline(box, y) {
    const { context } = this;
    context.strokeStyle = this.fixed.edge;
    context.lineWidth = 2;
    context.strokeRect(box.x + 1, y + 1, Math.max(box.width - 3, 1), ROW - 4);
  }
}

/** @param {Tree} tree @param {Box} box @param {boolean} searched @param {import("./flame-colours.js").Palette} palette */
export function fillOf(tree, box, searched, palette) {
  const fixed = fixedColours(palette);
  if (searched) return box.hit ? fixed.match : box.rest ? fixed.rest : fixed.other;
  if (box.rest) return fixed.rest;
  if (tree.base) return changeColour(changeOf(tree, box.node), palette);
  return box.node === 0 ? fixed.root : colourOf(tree.names[tree.name[box.node]], palette);
}

/** @param {Tree} tree @param {Box} box @param {number} letters */
export function labelOf(tree, box, letters) {
  const text = box.rest ? `${box.rest} more` : box.node === 0 ? "all" : tree.names[tree.name[box.node]];
  return fitted(text, letters);
}
