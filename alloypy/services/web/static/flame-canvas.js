// @ts-check
/** A flame graph on a canvas. Only the rows in view are drawn; each frame can be reached with the keyboard. */

import { h } from "./common.js";
import { fillOf, fixedColours } from "./flame-colours.js";
import { ROW, boxAt, changeOf, drawnWidth, layout, pathTo, sortedChildren } from "./flame-layout.js";
import { labelOf } from "./flame-text.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

export class FlameCanvas {
  /**
   * @param {HTMLElement} host an element that scrolls @param {string} label its name for screen readers
   * @param {CanvasListener} listener @param {boolean} [upwards] whether the first row is the lowest
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
    const names = { "aria-roledescription": "flame graph", "aria-label": label, "aria-describedby": "status" };
    const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { tabindex: 0, role: "application", ...names }));
    this.canvas = canvas;
    this.size = h("div", {}, canvas);
    host.replaceChildren(this.size);
    const redraw = () => this._redraw();
    dark.addEventListener("change", redraw);
    new ResizeObserver(() => this.relayout()).observe(host);
    const ratioChanged = () => {
      matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", ratioChanged, { once: true });
      redraw();
    };
    ratioChanged();
    host.addEventListener("scroll", redraw, { passive: true });
    canvas.onfocus = canvas.onblur = redraw;
    canvas.onkeydown = (event) => this._key(event);
    canvas.onpointermove = (event) => listener.pointed(this._boxOf(event), event);
    canvas.onpointerleave = () => listener.pointed(null, null);
    canvas.onclick = (event) => {
      const box = this._boxOf(event);
      if (!box) return;
      this.choose(box.node, false);
      listener.zoomed(box.node);
    };
  }

  /** @param {Tree} tree @param {number} zoom */
  show(tree, zoom) {
    this.tree = tree;
    this.hits = null;
    this.zoomTo(zoom);
  }

  /** @param {number} node */
  zoomTo(node) {
    this.zoom = this.current = node;
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
    this._redraw();
  }

  _redraw() {
    this._frame ||= requestAnimationFrame(() => this._draw());
  }

  /** Where a row begins. @param {number} depth */
  _top(depth) {
    return (this.upwards ? this.rows.length - 1 - depth : depth) * ROW;
  }

  _draw() {
    this._frame = 0;
    const { canvas, host, tree, hits } = this;
    const width = host.clientWidth;
    const context = canvas.getContext("2d");
    if (!tree || !width || !context) return;
    if (this._stale) {
      this.rows = layout(tree, this.zoom, width, hits);
      this.size.style.height = `${this.rows.length * ROW}px`;
      this._stale = false;
    }
    const height = Math.min(host.clientHeight, this.rows.length * ROW);
    const ratio = devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio); // which clears it
    canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    context.font = '12px ui-monospace, "SF Mono", Menlo, Consolas, monospace';
    context.textBaseline = "middle";
    const letter = context.measureText("M").width;
    const palette = { dark: dark.matches, safe: this.safe };
    const fixed = fixedColours(palette);
    const scrolled = host.scrollTop;
    this.rows.forEach((row, depth) => {
      const y = this._top(depth) - scrolled;
      if (y <= -ROW || y >= height) return;
      for (const box of row) {
        const wide = drawnWidth(box);
        context.fillStyle = fillOf(tree, box, !!hits, palette);
        context.fillRect(box.x, y, wide, ROW - 1);
        const hatched = !box.rest && changeOf(tree, box.node) === "new";
        const label = labelOf(tree, box, Math.floor((wide - 6) / letter));
        if (!hatched && !label) continue;
        context.save();
        context.beginPath();
        context.rect(box.x, y, wide - 1, ROW - 1);
        context.clip();
        if (hatched) hatch(context, box.x, y, wide, fixed.hatch);
        context.fillStyle = fixed.text;
        context.fillText(label, box.x + 3, y + ROW / 2);
        context.restore();
      }
    });
    const box = document.activeElement === canvas && this._currentBox();
    if (!box) return;
    context.strokeStyle = fixed.text;
    context.lineWidth = 2;
    context.strokeRect(box.x + 1, this._top(this._depth()) - scrolled + 1, Math.max(box.width - 3, 1), ROW - 4);
  }

  /** The row of the current frame. */
  _depth() {
    return pathTo(/** @type {Tree} */ (this.tree), this.current).length - 1;
  }

  /** The box of the current frame, or the one that stands for it. */
  _currentBox() {
    const row = this.rows[this._depth()] ?? [];
    const parent = this.tree?.parent[this.current];
    return row.find((box) => box.node === this.current && !box.rest) ?? row.find((box) => box.rest && box.node === parent);
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
    const { host } = this;
    const top = this._top(this._depth());
    if (reveal) host.scrollTop = Math.min(top, Math.max(host.scrollTop, top + ROW - host.clientHeight));
    this.listener.chosen(node);
    this._redraw();
  }

  /** Go to a match, in the order of drawing. @param {number} step */
  nextMatch(step) {
    const found = this.hits ? this.rows.flat().filter((box) => box.hit && !box.rest).map((box) => box.node) : [];
    const at = found.indexOf(this.current);
    if (found.length) this.choose(found[at < 0 ? 0 : (at + step + found.length) % found.length]);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const { tree, current } = this;
    if (!tree || event.ctrlKey || event.metaKey || event.altKey) return;
    const path = pathTo(tree, this.zoom);
    const on = path.indexOf(current);
    const beside = on < 0 ? sortedChildren(tree, tree.parent[current]) : [];
    const caller = current === tree.top ? undefined : tree.parent[current];
    const callee = on >= 0 && on < path.length - 1 ? path[on + 1] : sortedChildren(tree, current)[0];
    /** @type {Record<string, number | undefined>} */
    const ways = {
      ArrowDown: this.upwards ? caller : callee,
      ArrowUp: this.upwards ? callee : caller,
      ArrowLeft: beside[beside.indexOf(current) - 1],
      ArrowRight: beside[beside.indexOf(current) + 1],
      Home: tree.top,
    };
    if (event.key in ways) {
      const next = ways[event.key];
      if (next !== undefined) this.choose(next);
    } else if (event.key === "Enter") this.listener.zoomed(current);
    else if (event.key === "Escape") this.listener.zoomed(tree.top);
    else if (event.key === "n" || event.key === "N") this.nextMatch(event.key === "n" ? 1 : -1);
    else return;
    event.preventDefault();
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} width
 * @param {string} colour */
function hatch(context, x, y, width, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  for (let at = x - ROW; at < x + width; at += 8) {
    context.moveTo(at, y + ROW);
    context.lineTo(at + ROW, y);
  }
  context.stroke();
}
