/** What the page makes of a tree: boxes, labels, colours, searches, links. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decoded, letters, script } from "./support.mjs";

const { childLists, totals } = await script("calltree.js");
const { changeOf, hitsOf, layout, sortedChildren } = await script("flame-layout.js");
const { changeText, fitted, matcher, packageOf, shareText, valueText } = await script("flame-text.js");
const { changeColour, colourOf, fixedColours } = await script("flame-colours.js");
const { readState, writeState } = await script("flame-state.js");

async function treeOf(folded, before = "") {
  const { tree } = await decoded(Uint8Array.from(letters(folded)), { side: "b" });
  if (before) await decoded(Uint8Array.from(letters(before)), { side: "a", tree });
  tree.seal();
  const total = totals(tree.parent, tree.self[0]);
  const base = before ? totals(tree.parent, tree.self[1]) : null;
  const { names, parent, name } = tree;
  return { names, parent, name, children: childLists(parent), total, base, whole: total[0], wholeBase: base?.[0] ?? 0, top: 0 };
}

const shown = (tree, rows) => rows.map((row) => row.map((box) => (box.rest ? `+${box.rest}` : box.node ? tree.names[tree.name[box.node]] : "all")));

test("boxes are as wide as their share, widest first, and lie within their caller", async () => {
  const tree = await treeOf("a;x 1\na;y 2\nb 1\n");
  const rows = layout(tree, 0, 400, null);
  assert.deepEqual(shown(tree, rows), [["all"], ["a", "b"], ["y", "x"]]);
  assert.deepEqual(rows[1].map((box) => [box.x, box.width]), [[0, 300], [300, 100]]);
  assert.deepEqual(rows[2].map((box) => [box.x, box.width]), [[0, 200], [200, 100]]);
});

test("zooming shows what was too narrow, and the way to it", async () => {
  const tree = await treeOf("a;b;c 1\na;b;d 1\nz 10000\n");
  const narrow = layout(tree, 0, 1000, null);
  assert.deepEqual(shown(tree, narrow), [["all"], ["z"]]);
  const at = tree.names.indexOf("b");
  const rows = layout(tree, tree.name.indexOf(at), 1000, null);
  assert.deepEqual(shown(tree, rows), [["all"], ["a"], ["b"], ["c", "d"]]);
  assert.deepEqual(rows.slice(0, 3).map(([box]) => box.width), [1000, 1000, 1000]);
});

test("a match stays visible however narrow it is", async () => {
  const tree = await treeOf(`main;needle 1\n${Array.from({ length: 50 }, (_, i) => `f${i} 100000`).join("\n")}\n`);
  const hits = hitsOf(tree, matcher("needle"));
  const boxes = layout(tree, 0, 300, hits).flat().filter((box) => box.hit);
  assert.equal(boxes.length, 1);
  assert.ok(boxes[0].width >= 2 && boxes[0].x + boxes[0].width <= 300);
});

test("matches within matches count once", async () => {
  const tree = await treeOf("match;a;match 3\nb 1\n");
  assert.equal(hitsOf(tree, matcher("MATCH")).total, 3);
});

test("a search knows wildcards and alternatives, and nothing that could run forever", () => {
  const hits = (search, ...names) => names.filter(matcher(search));
  assert.deepEqual(hits("cart*add|^pay", "Cart.Add", "addCart", "^payment", "pay"), ["Cart.Add", "^payment"]);
  assert.equal(matcher("  ") === null, false);
  assert.equal(matcher("|*|"), null);
  const long = "a".repeat(50_000);
  assert.equal(matcher("(a+)+$*a*a*a*a*b")(long), false);
});

test("changes are of shares", async () => {
  const tree = await treeOf("a 1\nb 1\nnew 2\n", "a 1\nb 3\ngone 4\n");
  const of = (name) => changeOf(tree, tree.name.indexOf(tree.names.indexOf(name)));
  assert.equal(of("new"), "new");
  assert.equal(of("a"), 0.5);
  assert.equal(of("b"), -1 / 3);
  assert.equal(of("gone"), -1);
});

test("negative values do not push boxes out of their caller", async () => {
  const tree = await treeOf("a;x 5\na;y 5\na -6\n");
  for (const box of layout(tree, 0, 100, null).flat()) assert.ok(box.x >= 0 && box.x + box.width <= 100.0001);
});

test("the end of a long name is shown", () => {
  const name = "github.com/shop/api/pkg1.(*Service3).method7";
  assert.equal(fitted(name, 100), name);
  assert.equal(fitted(name, 30), "pkg1.(*Service3).method7");
  assert.equal(fitted(name, 10), "…).method7");
  assert.equal(fitted("f(a/b/c)", 6), "…/b/c)");
  assert.equal(fitted("🙂🙂🙂", 4), "…🙂");
});

test("functions of a package share a colour", () => {
  for (const [name, wanted] of [
    ["github.com/shop/api.(*T).M", "github.com/shop/api"], ["main.main", "main"], ["java.util.HashMap.get", "java.util"],
    ["std::vec::Vec<T>::push", "std"], ["app/cart.py:add", "app/cart"], ["read", "read"], ["runtime.memmove", "runtime"],
  ]) assert.equal(packageOf(name), wanted);
});

test("values are shown in units for people", () => {
  assert.deepEqual(
    [[2_010_000_000, "nanoseconds"], [0, "nanoseconds"], [6141, "bytes"], [1500, "count"], [2.5, "goats"], [1, "constructor"], [1.5, "seconds"], [-5e6, "nanoseconds"]]
      .map(([value, unit]) => valueText(value, unit)),
    ["2.01 s", "0 ns", "6.00 KiB", "1,500", "2.5 goats", "1 constructor", "1.50 s", "-5.00 ms"],
  );
  assert.deepEqual([shareText(1, 3), shareText(1, 0), changeText(0.0123), changeText(-0.5), changeText(-1e-9)], ["33.33 %", "0.00 %", "+1.23", "-50.00", "0.00"]);
});

function luminance(colour) {
  const hsl = /^hsl\(([\d.]+) ([\d.]+)% ([\d.]+)%\)$/.exec(colour);
  let parts;
  if (hsl) {
    const [hue, s, l] = [Number(hsl[1]), hsl[2] / 100, hsl[3] / 100];
    parts = [0, 8, 4].map((n) => l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(((n + hue / 30) % 12) - 3, 9 - ((n + hue / 30) % 12), 1)));
  } else parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [r, g, b] = parts.map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const contrast = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);

test("text has a contrast of 4.5 on all colours", () => {
  for (const dark of [false, true]) {
    for (const safe of [false, true]) {
      const palette = { dark, safe };
      const { text, match, other, rest, root } = fixedColours(palette);
      const backs = [other, rest, root, ...Array.from({ length: 500 }, (_, i) => colourOf(`p${i}.f`, palette))];
      for (let change = -1; change <= 1; change += 0.05) backs.push(changeColour(change, palette));
      backs.push(changeColour("new", palette), changeColour("same", palette));
      for (const back of backs) assert.ok(contrast(text, back) >= 4.5, `${text} on ${back}: ${contrast(text, back)}`);
      assert.ok(contrast(dark ? text : "#111111", match) >= 4.5);
    }
  }
});

test("a link reproduces what is shown", () => {
  const state = {
    type: "cpu", search: "a&b #c", zoom: ["main", "f;g", "日本"], of: "x=y", view: "table", safe: true, gone: true, group: "thread", sort: "-change",
  };
  assert.deepEqual(readState(`#${writeState(state)}`), state);
  assert.equal(writeState(readState("")), "");
  assert.equal(readState("#sort=evil&view=none").sort, "-self");
});

test("children are in the order of the boxes", async () => {
  const tree = await treeOf("a 1\nb 3\nc 2\n");
  assert.deepEqual(sortedChildren(tree, 0).map((node) => tree.names[tree.name[node]]), ["b", "c", "a"]);
});
