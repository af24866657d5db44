// @ts-check
/** What a page shows, in the fragment of its address: a link reproduces it, and no server sees it. */

/** The texts of a state: their defaults, which are not written, and what else they may be. @type {[string, string, RegExp][]} */
const TEXTS = [
  ["type", "", /^/], ["group", "", /^/], ["search", "", /^/], ["of", "", /^/],
  ["view", "both", /^(flame|table)$/], ["sort", "-self", /^-?(function|self|total|change)$/],
];

/** @param {string} fragment with or without `#` @returns {State} */
export function readState(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const texts = TEXTS.map(([name, none, valid]) => [name, valid.test(given.get(name) ?? "") ? given.get(name) ?? none : none]);
  const flags = { safe: given.get("colours") === "safe", gone: given.get("show") === "gone" };
  return /** @type {any} */ ({ ...Object.fromEntries(texts), ...flags, zoom: given.getAll("zoom") });
}

/** @param {State} state @returns {string} the fragment without `#`; only what is not the default */
export function writeState(state) {
  const out = new URLSearchParams();
  for (const [name, none] of TEXTS) {
    const text = /** @type {any} */ (state)[name];
    if (text !== none) out.set(name, text);
  }
  for (const name of state.zoom) out.append("zoom", name);
  if (state.safe) out.set("colours", "safe");
  if (state.gone) out.set("show", "gone");
  return out.toString();
}
