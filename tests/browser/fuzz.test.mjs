/** Damaged and lying input of every format ends soon, with a tree or a sentence. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLES, SPEEDSCOPE, TRIE, decoded, letters, packed, pprof, script, serialised } from "./support.mjs";

const { Refusal } = await script("calltree.js");
const TIMES = Number(process.env.TIMES ?? 1000);
const SLOWEST_SECONDS = 20; // of one input, on a busy machine

const GIVEN = [
  [pprof(SAMPLES), ""],
  [packed(pprof(SAMPLES)), ""],
  [TRIE, "trie"],
  [Uint8Array.from(serialised(["", 0, ["main", 1, ["work", 2]], ["wait", 3]])), "tree"],
  [Uint8Array.from(letters("main;work;read 12\nmain 3\n")), "groups"],
  [Uint8Array.from(letters(JSON.stringify(SPEEDSCOPE))), "speedscope"],
];

/** Numbers that follow from a seed. */
function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function damaged(bytes, next) {
  const out = [...bytes];
  for (let i = 0; i <= next(4); i++) {
    const at = next(out.length);
    const kind = next(5);
    if (kind === 0) out[at] = next(256);
    else if (kind === 1) out.splice(at, 1 + next(8));
    else if (kind === 2) out.splice(at, 0, ...[0xff, 0xff, 0xff, 0xff, 0x7f].slice(next(5)));
    else if (kind === 3) out.splice(at, 0, ...out.slice(at, at + 1 + next(30)));
    else out.length = Math.max(1, at);
  }
  return Uint8Array.from(out);
}

test(`${TIMES} damaged inputs`, async () => {
  let refusals = 0;
  for (let seed = 0; seed < TIMES; seed++) {
    const next = random(seed * 7919 + 1);
    const [bytes, hint] = GIVEN[seed % GIVEN.length];
    const input = damaged(bytes, next);
    const began = performance.now();
    try {
      await decoded(input, { hint: next(2) ? hint : "", group: next(2) ? "endpoint" : "" });
    } catch (fault) {
      assert.ok(fault instanceof Refusal, `seed ${seed}: ${fault.stack}`);
      assert.match(fault.message, /^[A-Z].*\.$/s, `seed ${seed}`);
      refusals++;
    }
    assert.ok(performance.now() - began < SLOWEST_SECONDS * 1000, `seed ${seed} took too long`);
  }
  assert.ok(refusals > TIMES / 10);
});
