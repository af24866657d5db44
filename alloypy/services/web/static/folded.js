// @ts-check
/** Decodes stacks as lines of text: `main;work;read 12` (folded), or one line for each sample. */

import { Refusal } from "./calltree.js";

const COUNT = /^[+-]?\d+(?:\.\d+)?$/;

/** @param {string} text @param {Sink} sink @param {boolean} counted whether lines end with a count; otherwise each counts 1 */
export function decodeFolded(text, sink, counted) {
  const column = sink.column("samples", "count");
  const { tree } = sink;
  let skipped = 0;
  let samples = 0;
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    const line = text.slice(at, end).trim();
    at = end + 1;
    if (!line || (line[0] === "#" && counted)) continue;
    const space = counted ? line.lastIndexOf(" ") : line.length;
    const count = counted ? line.slice(space + 1) : "1";
    if (space <= 0 || !COUNT.test(count)) {
      skipped++;
      continue;
    }
    const node = addStack(tree, line.slice(0, space));
    tree.self[column][node] += Number(count);
    samples++;
  }
  if (!samples) throw new Refusal('None of its lines is a stack, such as "main;work;read 12".');
  if (skipped) sink.notes.push(`${skipped} ${skipped === 1 ? "line" : "lines"} without a count not shown.`);
  sink.about.samples = samples;
}

/** Whether lines are more likely folded stacks than one line for each sample. @param {string} text */
export function looksCounted(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line && line[0] !== "#");
  const counted = lines.filter((line) => COUNT.test(line.slice(line.lastIndexOf(" ") + 1)) && line.includes(" "));
  return counted.length * 2 > lines.length;
}

/** The node of a stack of names with semicolons between them. @param {CallTree} tree
 * @param {string} stack @returns {number} */
export function addStack(tree, stack) {
  let node = 0;
  for (let at = 0; at <= stack.length; ) {
    let end = stack.indexOf(";", at);
    if (end < 0) end = stack.length;
    if (end > at) node = tree.child(node, tree.nameId(stack.slice(at, end)));
    at = end + 1;
  }
  return node;
}
