// @ts-check
/** The functions of a profile as a table: all that the graph says, in words and numbers. */

import { counted, h } from "./common.js";
import { changeText, shareText, valueText } from "./flame-text.js";

const MORE = 200;
const ORDERS = { function: "Function", self: "Self", total: "Total", change: "Change" };

export class FlameTable {
  /** @param {HTMLElement} host @param {TableListener} listener */
  constructor(host, listener) {
    this.listener = listener;
    this.order = "-self";
    this.shown = MORE;
    /** @type {Map<string, HTMLElement>} */
    this.heads = new Map();
    this.body = h("tbody");
    this.caption = h("caption", { class: "weak" });
    this.more = h("button", { type: "button", click: () => this._grow() }, "More");
    const heads = Object.entries(ORDERS).map(([key, title]) => this._head(key, title));
    host.replaceChildren(h("table", { class: "functions" }, this.caption, h("thead", {}, h("tr", {}, ...heads)), this.body), this.more);
  }

  /** @param {string} key @param {string} title */
  _head(key, title) {
    const sort = () => {
      const first = key === "function" ? key : `-${key}`;
      this.order = this.order === first ? (first === key ? `-${key}` : key) : first;
      this.listener.sorted(this.order);
      this.render();
    };
    const head = h("th", { scope: "col", class: key === "function" ? null : "number" }, h("button", { type: "button", class: "bare", click: sort }, title));
    this.heads.set(key, head);
    return head;
  }

  /** @param {TableData} given */
  show(given) {
    this.given = given;
    this.filter(null);
  }

  /** @param {((name: string) => boolean) | null} matches */
  filter(matches) {
    this.matches = matches;
    this.shown = MORE;
    clearTimeout(this._soon); // once for several changes, and after the graph
    this._soon = setTimeout(() => this.render());
  }

  _grow() {
    const before = this.shown;
    this.shown += MORE;
    this.render();
    /** @type {HTMLElement | null} */ (this.body.children[before]?.querySelector("button"))?.focus();
  }

  /** The change of the share of a function. @param {number} i */
  _change(i) {
    const { sums, base, whole, wholeBase } = /** @type {TableData} */ (this.given);
    return base ? (whole ? sums.total[i] / whole : 0) - (wholeBase ? base.total[i] / wholeBase : 0) : 0;
  }

  /** The numbers of the functions to show, in order. */
  _rows() {
    const { names, sums, base } = /** @type {TableData} */ (this.given);
    const rows = [];
    for (let i = 1; i < names.length; i++) {
      if (!sums.total[i] && !sums.self[i] && !base?.total[i] && !base?.self[i]) continue;
      if (!this.matches || this.matches(names[i])) rows.push(i);
    }
    const down = this.order[0] === "-" ? -1 : 1;
    const key = this.order.replace("-", "");
    if (key === "function") return rows.sort((a, b) => (names[a] < names[b] ? -down : down));
    const by = key === "change" ? Float64Array.from(names, (_, i) => this._change(i)) : key === "total" ? sums.total : sums.self;
    return rows.sort((a, b) => down * (by[a] - by[b]) || a - b);
  }

  render() {
    if (!this.given) return;
    const { names, sums, base, whole, unit } = this.given;
    const rows = this._rows();
    for (const [key, head] of this.heads) {
      const sorted = this.order.replace("-", "") === key;
      if (sorted) head.setAttribute("aria-sort", this.order[0] === "-" ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      if (key === "change") head.hidden = !base;
    }
    /** @param {number} value */
    const cell = (value) => h("td", { class: "number", title: `${value} ${unit}` }, valueText(value, unit), h("span", { class: "weak" }, ` ${shareText(value, whole)}`));
    const lines = rows.slice(0, this.shown).map((i) => h("tr", {},
      h("th", { scope: "row" }, h("button", { type: "button", class: "bare", click: () => this.listener.open(i) }, names[i])),
      cell(sums.self[i]), cell(sums.total[i]),
      base && h("td", { class: "number" }, !base.total[i] ? "new" : !sums.total[i] ? "gone" : changeText(this._change(i)))));
    this.body.replaceChildren(...lines);
    const found = `${counted(rows.length)} ${rows.length === 1 ? "function" : "functions"}`;
    this.caption.textContent = rows.length > this.shown ? `${found}, the first ${this.shown} shown` : found;
    this.more.hidden = rows.length <= this.shown;
  }
}
