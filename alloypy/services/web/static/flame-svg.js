// @ts-check
/** A flame graph as SVG: no script, its text can be selected and searched, dark where the reader's system is. */

import { fillOf, fixedColours } from "./flame-colours.js";
import { ROW, changeOf, drawnWidth } from "./flame-layout.js";
import { labelOf } from "./flame-text.js";

const LETTER = 7.23; // of the monospaced font, at 12 pixels
const MOST_BOXES = 50_000;

/** @param {string} text */
function escaped(text) {
  // XML has no control characters and no lone surrogates.
  return text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/**
 * @param {Tree} tree @param {Box[][]} rows
 * @param {SvgSettings} settings
 */
export function flameSvg(tree, rows, { title, width, searched, safe, describe }) {
  const height = rows.length * ROW + 30;
  /** @type {Map<string, string>} the class of each pair of colours */
  const classes = new Map();
  const out = [];
  let count = 0;
  for (const [depth, row] of rows.entries()) {
    const y = 26 + depth * ROW;
    for (const box of row) {
      if (++count > MOST_BOXES) break;
      const pair = [false, true].map((dark) => fillOf(tree, box, searched, { dark, safe })).join("/");
      if (!classes.has(pair)) classes.set(pair, `c${classes.size}`);
      const wide = drawnWidth(box);
      const label = labelOf(tree, box, Math.floor((wide - 6) / LETTER));
      const place = `x="${box.x.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${ROW - 1}"`;
      const hatched = !box.rest && changeOf(tree, box.node) === "new" ? `<rect ${place} fill="url(#new)"/>` : "";
      const text = label && wide > 20 ? `<text x="${(box.x + 3).toFixed(1)}" y="${y + 13}">${escaped(label)}</text>` : "";
      out.push(`<g><title>${escaped(describe(box))}</title><rect class="${classes.get(pair)}" ${place}/>${hatched}${text}</g>`);
    }
  }
  const [light, dark] = [fixedColours({ dark: false, safe }), fixedColours({ dark: true, safe })];
  const fills = [...classes].map(([pair, name]) => [name, ...pair.split("/")]);
  const rules = (/** @type {number} */ at) => fills.map((each) => `.${each[0]}{fill:${each[at]}}`).join("");
  const style = `text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:${light.text}}.back{fill:#fff}` +
    `${rules(1)}#new path{stroke:${light.hatch}}` +
    `@media(prefers-color-scheme:dark){text{fill:${dark.text}}.back{fill:#15181c}#new path{stroke:${dark.hatch}}` +
    `${rules(2)}}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<title>${escaped(title)}</title><style>${style}</style>` +
    `<defs><pattern id="new" width="8" height="8" patternUnits="userSpaceOnUse"><path d="M0 8L8 0" stroke-width="2"/></pattern></defs>` +
    `<rect class="back" width="100%" height="100%"/><text x="4" y="16">${escaped(title)}</text>${out.join("")}</svg>\n`;
}
