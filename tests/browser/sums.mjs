/**
 * The sums of profiles as the pages show them, as JSON, for a comparison with those of `go tool pprof`.
 * `sums.mjs checkout.pprof FOLDER` takes a real profile and makes others of it; `sums.mjs shape.json FOLDER` one.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SAMPLES, decoded, functions, packed, pprof, script } from "./support.mjs";

const { CallTree } = await script("calltree.js");
const { encodePprof } = await script("encode.js");
const [given, folder] = process.argv.slice(2);
const all = [];

/** @param {string} name @param {Uint8Array} bytes @param {any} tree @param {{type: string, unit: string}[]} types */
function add(name, bytes, tree, types, base = "") {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const sums = types.map((t) => functions(tree, tree.columns.findIndex((c) => c.type === t.type && c.unit === t.unit)));
  all.push({ path, base, types: types.map((t) => [t.type, t.unit]), sums });
}

if (given.endsWith(".json")) {
  const bytes = pprof(JSON.parse(readFileSync(given, "utf8")));
  const { tree } = await decoded(bytes);
  add("random.pb.gz", packed(bytes), tree, tree.columns);
} else {
  const real = readFileSync(given);
  const one = await decoded(real);
  add("real.pb.gz", real, one.tree, one.tree.columns);
  const made = pprof({ ...SAMPLES, ids: (i) => 0xfffffffffffff000n + BigInt(i) });
  const hand = await decoded(made);
  add("hand.pb", made, hand.tree, hand.tree.columns);
  const merged = new CallTree();
  await decoded(real, { tree: merged });
  await decoded(real, { tree: merged });
  await decoded(made, { tree: merged });
  add("merged.pb.gz", packed(encodePprof(merged, merged.columns)), merged, merged.columns);
  const again = await decoded(encodePprof(merged, merged.columns));
  add("again.pb", encodePprof(again.tree, again.tree.columns), merged, merged.columns);
}
process.stdout.write(JSON.stringify(all));
