// Bundles the extension, with the client library, into dist/extension.js, and collects the licences.

import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const { metafile } = await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  metafile: true,
});

await copyFile("../../../LICENSE", "LICENSE.txt");

const bundled = Object.keys(metafile.inputs).map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
const notices = [];
for (const folder of [...new Set(bundled)].filter(Boolean).sort()) {
  const licence = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
  const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
  notices.push(`${name} ${version}\n\n${licence ? (await readFile(`${folder}/${licence}`, "utf8")).trim() : "no licence"}\n`);
}
await writeFile("dist/licences.txt", notices.join(`\n${"-".repeat(80)}\n\n`));
