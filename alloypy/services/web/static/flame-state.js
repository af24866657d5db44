// @ts-check
/** What a page shows, in the fragment of its address: a link reproduces it, and no server sees it. */

/** @param {string} fragment with or without `#` @returns {State} */
export function readState(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const view = given.get("view");
  return {
    type: given.get("type") ?? "",
    search: given.get("search") ?? "",
    zoom: given.getAll("zoom"),
    of: given.get("of") ?? "",
    view: view === "flame" || view === "table" ? view : "both",
    safe: given.get("colours") === "safe",
    gone: given.get("show") === "gone",
    group: given.get("group") ?? "",
    sort: /^-?(function|self|total|change)$/.test(given.get("sort") ?? "") ? given.get("sort") ?? "" : "-self",
  };
}

/** @param {State} state @returns {string} the fragment without `#`; only what is not the default */
export function writeState(state) {
  const out = new URLSearchParams();
  const { type, search, zoom, of, view, safe, gone, group, sort } = state;
  if (type) out.set("type", type);
  if (group) out.set("group", group);
  if (search) out.set("search", search);
  if (of) out.set("of", of);
  for (const name of zoom) out.append("zoom", name);
  if (view !== "both") out.set("view", view);
  if (safe) out.set("colours", "safe");
  if (gone) out.set("show", "gone");
  if (sort !== "-self") out.set("sort", sort);
  return out.toString();
}
