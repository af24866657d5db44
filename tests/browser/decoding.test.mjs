/** Profiles of each format become the call tree they hold, and damaged ones a sentence. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLES, SPEEDSCOPE, TRIE, block, decoded, functions, letters, number, packed, pprof, script, serialised, stacks, varint } from "./support.mjs";

const { CallTree, Refusal, sandwich, outermost, childLists, totals } = await script("calltree.js");
const { encodePprof } = await script("encode.js");
const text = (content) => Uint8Array.from(letters(content));
const refused = (bytes, words, options) => assert.rejects(decoded(bytes, options), (fault) => fault instanceof Refusal && words.test(fault.message));

const STACKS = {
  "main;work;read": [1, 10],
  "main;work;inlined": [2, 20],
  "main;work;main;work": [3, 30],
  main: [4, 40],
};

const Unpacking = globalThis.DecompressionStream;

/** Unpacks gzip as browsers do, which refuse what follows its first member; Node reads all members. */
class OneMember {
  constructor(format) {
    const { readable, writable } = new Unpacking(format);
    const found = [];
    const checked = new TransformStream({
      transform(chunk, controller) {
        found.push(...chunk);
        controller.enqueue(chunk);
      },
      flush(controller) {
        const begins = found.filter((byte, i) => byte === 0x1f && found[i + 1] === 0x8b && found[i + 2] === 8);
        if (begins.length > 1) controller.error(new TypeError("Junk found after end of compressed data."));
      },
    });
    checked.readable.pipeTo(writable).catch(() => {});
    this.writable = checked.writable;
    this.readable = readable;
  }
}

test("pprof, packed or not", async () => {
  for (const bytes of [pprof(SAMPLES), packed(pprof(SAMPLES))]) {
    const { format, tree, sink } = await decoded(bytes);
    assert.equal(format, "pprof");
    assert.deepEqual(stacks(tree), STACKS);
    assert.deepEqual(tree.columns.map((c) => [c.type, c.unit]), SAMPLES.types);
    assert.equal(sink.about.samples, 4);
    assert.equal(sink.about.preferred, "cpu");
    assert.deepEqual([...sink.keys], ["endpoint", "bytes"]);
  }
});

test("a profile that a queue has put a time before", async () => {
  const time = [9 << 3, 0x80, 0x80, 0x01];
  const size = [time.length, 0, 255 - time.length, 255];
  const member = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, ...size, ...time, 0, 0, 0, 0, time.length, 0, 0, 0];
  globalThis.DecompressionStream = OneMember;
  try {
    for (const [before, profile] of [[member, packed(pprof(SAMPLES))], [time, pprof(SAMPLES)]]) {
      const { format, tree } = await decoded(Uint8Array.from([...before, ...profile]));
      assert.equal(format, "pprof");
      assert.deepEqual(stacks(tree), STACKS);
    }
    await refused(Uint8Array.from([...packed(pprof(SAMPLES)), ...packed(pprof(SAMPLES))]), /damaged/);
  } finally {
    globalThis.DecompressionStream = Unpacking;
  }
  await refused(Uint8Array.from([...member.slice(0, 18), 1]), /damaged/);
});

test("a profile says which sample type comes first", async () => {
  const { sink } = await decoded(pprof({ ...SAMPLES, preferred: "samples" }));
  assert.equal(sink.about.preferred, "samples");
});

test("recursion counts once in the total of a function", async () => {
  const { tree } = await decoded(pprof(SAMPLES));
  assert.deepEqual(functions(tree, 0), { main: [4, 10], work: [3, 6], read: [1, 1], inlined: [2, 2] });
});

test("ids of 64 bits are told apart", async () => {
  const ids = (i) => 0xfffffffffffff000n + BigInt(i);
  assert.deepEqual(stacks((await decoded(pprof({ ...SAMPLES, ids }))).tree), STACKS);
});

test("negative values stay exact", async () => {
  const samples = [-1, -10_000_000_000, -(2 ** 53 - 1)].map((value, i) => ({ stack: [`f${i}`], values: [value] }));
  const { tree } = await decoded(pprof({ types: [["cpu", "nanoseconds"]], samples }));
  assert.deepEqual(stacks(tree), { f0: -1, f1: -10_000_000_000, f2: -(2 ** 53 - 1) });
});

test("stacks can begin with a label", async () => {
  const { tree } = await decoded(pprof(SAMPLES), { group: "endpoint" });
  assert.deepEqual(stacks(tree), {
    "endpoint: /cart;main;work;read": [1, 10],
    "main;work;inlined": [2, 20],
    "endpoint: /pay;main;work;main;work": [3, 30],
    main: [4, 40],
  });
  assert.ok("bytes: 4096;main;work;read" in stacks((await decoded(pprof(SAMPLES), { group: "bytes" })).tree));
});

test("code without symbols has the name of its file", async () => {
  const bytes = Uint8Array.from([
    block(1, [...number(1, 1), ...number(2, 2)]), block(3, [...number(1, 7), ...number(5, 3)]),
    block(4, [...number(1, 1), ...number(2, 7)]), block(4, number(1, 2)),
    block(2, [...block(1, [1, 2]), ...number(2, 5)]),
    ...["", "cpu", "count", "/usr/lib/libc.so.6"].map((each) => block(6, letters(each))),
  ].flat());
  assert.deepEqual(stacks((await decoded(bytes)).tree), { "<unknown>;[libc.so.6]": 5 });
});

test("folded stacks, and one line for each sample", async () => {
  const folded = await decoded(text("# made by hand\nmain;work;read file 12\r\nmain 3\nmain;work;read file 1.5\n\n日本;a 2"));
  assert.deepEqual([folded.format, stacks(folded.tree)], ["folded", { "main;work;read file": 13.5, main: 3, "日本;a": 2 }]);
  const lines = await decoded(text("main;work\nmain\nmain;work\n"));
  assert.deepEqual([lines.format, stacks(lines.tree)], ["lines", { "main;work": 2, main: 1 }]);
  const told = await decoded(text("main;f 1\nmain;f 1\n"), { hint: "lines" });
  assert.deepEqual(stacks(told.tree), { "main;f 1": 2 });
  assert.match((await decoded(text("main 1\nmain;work 2\nbroken\n"))).sink.notes[0], /1 line/);
});

test("a trie as Pyroscope writes it", async () => {
  const { format, tree } = await decoded(TRIE);
  assert.equal(format, "trie");
  assert.deepEqual(stacks(tree), { main: 1, "main;wait": 3, "main;work;read": 5, "main;work;write": 7, "mäin;日本": 11, other: 2 });
});

test("a tree as Pyroscope writes it", async () => {
  const bytes = Uint8Array.from(serialised(["", 0, ["main", 1, ["work", 2, ["read", 5]], ["wait", 3]], ["日本", 4]]));
  const { format, tree } = await decoded(bytes);
  assert.equal(format, "tree");
  assert.deepEqual(stacks(tree), { main: 1, "main;work": 2, "main;work;read": 5, "main;wait": 3, 日本: 4 });
});

test("speedscope, sampled and evented", async () => {
  const { format, tree, sink } = await decoded(text(JSON.stringify(SPEEDSCOPE)));
  assert.equal(format, "speedscope");
  assert.deepEqual(stacks(tree), { main: 7e6, "main;work": 4e6, "main;work;read": 2e6 });
  assert.deepEqual([...sink.keys], ["profile"]);
  const grouped = await decoded(text(JSON.stringify(SPEEDSCOPE)), { group: "profile" });
  assert.equal(stacks(grouped.tree)["profile: two;main"], 7e6);
});

test("the profile in a form", async () => {
  const form = (name, content) => Uint8Array.from([
    ...letters(`--x-y\r\nContent-Disposition: form-data; name="sample_type_config"\r\n\r\n{}\r\n--x-y\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n`),
    ...content, ...letters("\r\n--x-y--\r\n"),
  ]);
  assert.deepEqual(stacks((await decoded(form("profile", packed(pprof(SAMPLES))))).tree), STACKS);
  assert.equal((await decoded(form("jfr", letters("FLR\0...")))).format, "jfr");
  await refused(form("other", []), /without a part named/);
});

test("merging adds, a diff keeps sides apart", async () => {
  const tree = new CallTree();
  await decoded(pprof(SAMPLES), { tree, side: "a" });
  await decoded(packed(pprof({ ...SAMPLES, samples: SAMPLES.samples.slice(2) })), { tree, side: "b" });
  await decoded(text("main;work 5"), { tree, side: "b" });
  assert.deepEqual(tree.columns.map((c) => `${c.side} ${c.type}`), ["a samples", "a cpu", "b samples", "b cpu"]);
  assert.deepEqual(stacks(tree)["main;work;main;work"], [3, 30, 3, 30]);
  assert.deepEqual(stacks(tree)["main;work;read"], [1, 10, 0, 0]);
  assert.deepEqual(stacks(tree)["main;work"], [0, 0, 5, 0]);
});

test("a sandwich has the totals of the function on both sides", async () => {
  const { tree } = await decoded(pprof(SAMPLES));
  tree.seal();
  const outer = outermost(tree, childLists(tree.parent));
  const { callers, callees } = sandwich(tree, tree.names.indexOf("work"), outer);
  assert.deepEqual(stacks(callers), { "work;main": [6, 60] });
  assert.deepEqual(stacks(callees), { "work;read": [1, 10], "work;inlined": [2, 20], "work;main;work": [3, 30] });
});

test("what is written as pprof can be read again", async () => {
  const tree = new CallTree();
  await decoded(pprof(SAMPLES), { tree, side: "a" });
  await decoded(text("main;日本 5"), { tree, side: "b" });
  const types = [{ type: "samples", unit: "count" }, { type: "cpu", unit: "nanoseconds" }];
  const again = await decoded(encodePprof(tree, types), { group: "pprof::base" });
  const negative = Object.fromEntries(Object.entries(STACKS).map(([stack, [a, b]]) => [`pprof::base: true;${stack}`, [-a, -b]]));
  assert.deepEqual(stacks(again.tree), { ...negative, "main;日本": [5, 0] });
});

test("damage is told in a sentence", async () => {
  const whole = pprof(SAMPLES);
  await refused(new Uint8Array(0), /empty/);
  await refused(whole.subarray(0, whole.length - 3), /damaged/);
  await refused(packed(whole).subarray(0, 60), /gzip/);
  await refused(Uint8Array.from([...whole, ...block(2, [...block(1, [99]), ...block(2, [1, 2])])]), /location \(99\)/);
  await refused(Uint8Array.from([...whole, ...block(2, [...block(1, [1]), ...block(2, [1])])]), /1 values for 2 types/);
  await refused(Uint8Array.from([...whole, ...block(1, number(1, 1000))]), /text 1000/);
  await refused(Uint8Array.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]), /longer than/);
  await refused(text("{broken"), /not valid JSON/);
  await refused(text("main;work 12\nmain;id\0le 3\nmain;work;read 4\n"), /looks like text, but byte 21 of it is 0\./);
  await refused(Uint8Array.from([...text("main;"), 0xe9, ...text(" 12\n")]), /looks like text, but is not UTF-8\./);
  await refused(text('{"a": 1}'), /not a speedscope file/);
  await refused(text("hello there\nworld wide"), /None of its lines/, { hint: "groups" });
  await refused(Uint8Array.from([0, 0, ...varint(100_000_000)]), /children/, { hint: "tree" });
  await refused(Uint8Array.from([...varint(100_000_000), 0]), /longer than/, { hint: "trie" });
  await refused(text(JSON.stringify({ ...SPEEDSCOPE, shared: { frames: [] } })), /frame 0 of 0/);
  const profiles = [{ ...SPEEDSCOPE.profiles[0], unit: "constructor" }];
  await refused(text(JSON.stringify({ ...SPEEDSCOPE, profiles })), /unknown unit/);
});

test("what claims or unpacks to too much is refused, soon", async () => {
  const bomb = packed(new Uint8Array(300 << 20));
  await refused(bomb, /larger than 256 MB/);
  const types = Array.from({ length: 100 }, (_, i) => [`t${i}`, "count"]);
  await refused(pprof({ types, samples: [] }), /more than 64 sample types/);
});

test("very deep stacks do not exhaust the call stack", async () => {
  const deep = Array.from({ length: 200_000 }, (_, i) => `f${i % 7}`).join(";");
  const { tree } = await decoded(text(`${deep} 3`));
  assert.equal(functions(tree, 0).f0[1], 3);
  const { layout } = await script("flame-layout.js");
  const children = childLists(tree.parent);
  const rows = layout({ names: tree.names, parent: tree.parent, name: tree.name, children, total: totals(tree.parent, tree.self[0]), base: null, whole: 3, wholeBase: 0, top: 0 }, 0, 1000, null);
  assert.equal(rows.length, 200_001);
});
