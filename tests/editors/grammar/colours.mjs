// Highlights texts as VS Code does. Arguments: a TextMate grammar. Reads a JSON list of texts from stdin; writes
// for each text a list of its lines, each a list of [start, end, scopes], in UTF-16 units.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(import.meta.url);
const { INITIAL, parseRawGrammar, Registry } = require("vscode-textmate");
const { createOnigScanner, createOnigString, loadWASM } = require("vscode-oniguruma");

const path = process.argv[2];
await loadWASM(await readFile(require.resolve("vscode-oniguruma/release/onig.wasm")));
const registry = new Registry({
  onigLib: Promise.resolve({ createOnigScanner, createOnigString }),
  loadGrammar: async () => parseRawGrammar(await readFile(path, "utf8"), path),
});
const grammar = await registry.loadGrammar("source.alloy");

function coloured(text) {
  let state = INITIAL;
  return text.split("\n").map((line) => {
    const found = grammar.tokenizeLine(line, state);
    state = found.ruleStack;
    return found.tokens.map(({ startIndex, endIndex, scopes }) => [startIndex, endIndex, scopes.slice(1)]);
  });
}

const texts = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(texts.map(coloured)));
