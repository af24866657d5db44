// @ts-check
/** The colours of frames. All have at least 4.5 of contrast to the text on them. */

import { changeOf } from "./flame-layout.js";
import { packageOf } from "./flame-text.js";

// Tints of the colours of Okabe and Ito, as hue and saturation.
const SAFE = [[41, 80], [202, 75], [164, 55], [56, 85], [204, 40], [26, 80], [327, 45], [0, 0]];

/** @param {string} text */
function hash(text) {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) | 0;
  return Math.imul(value ^ (value >>> 15), 0x2c1b3c6d) >>> 8;
}

/** @type {Map<string, string>} */
const known = new Map();

/** The colour of a function: its package's. @param {string} name @param {Palette} palette */
export function colourOf(name, palette) {
  const key = `${+palette.dark}${+palette.safe}${name}`;
  let colour = known.get(key);
  if (colour === undefined) {
    const number = hash(packageOf(name));
    const [hue, much] = palette.safe ? SAFE[number % SAFE.length] : [number % 360, palette.dark ? 42 : 62];
    const light = palette.dark ? 26 : palette.safe ? 72 + (number % 3) * 4 : 78;
    colour = `hsl(${hue} ${palette.dark ? Math.min(much, 45) : much}% ${light}%)`;
    if (known.size > 100_000) known.clear();
    known.set(key, colour);
  }
  return colour;
}

/** The colour of a change: blue is less, red more; orange instead of red for those who want it.
 * @param {Change} change @param {Palette} palette */
export function changeColour(change, palette) {
  const most = change === "new" ? 1 : change === "same" ? 0 : change;
  const strength = Math.min(1, Math.abs(most));
  if (strength < 0.01) return palette.dark ? "hsl(0 0% 28%)" : "hsl(0 0% 86%)";
  const hue = most < 0 ? 212 : palette.safe ? 32 : 6;
  const light = palette.dark ? 28 + 4 * strength - (most > 0 && palette.safe ? 4 : 0) : 88 - 16 * strength;
  return `hsl(${hue} ${Math.round(20 + 65 * strength)}% ${light.toFixed(1)}%)`;
}

/** Colours that do not depend on the frame. @param {Palette} palette */
export function fixedColours({ dark }) {
  return dark
    ? { text: "#f4f4f4", match: "#8a2be2", other: "#2b3036", rest: "#4a515a", root: "#3a4350", hatch: "rgba(255,255,255,.28)" }
    : { text: "#111111", match: "#ffd21f", other: "#e4e7eb", rest: "#b9c0c9", root: "#d5dbe3", hatch: "rgba(0,0,0,.2)" };
}

/** @param {Tree} tree @param {Box} box @param {boolean} searched @param {Palette} palette */
export function fillOf(tree, box, searched, palette) {
  const fixed = fixedColours(palette);
  if (searched) return box.hit ? fixed.match : box.rest ? fixed.rest : fixed.other;
  if (box.rest) return fixed.rest;
  if (tree.base) return changeColour(changeOf(tree, box.node), palette);
  return box.node === 0 ? fixed.root : colourOf(tree.names[tree.name[box.node]], palette);
}
