// @ts-check
/** The list of components: filtered while one types, walked through by keys, kept up to date. The server groups and sorts. */
import { byId, counted, keepFresh, perSecond, shortcut, showHealth } from "./common.js";

const COUNTS = ["entered", "left", "lost"];
const FIRST_NUMBER = 3; // the cell of the first rate
const MESSAGE = 6;

const table = /** @type {HTMLTableElement} */ (byId("components"));
const form = /** @type {HTMLFormElement} */ (byId("controls"));
const [filter, group, order] = ["filter", "group", "sort"].map((id) => /** @type {HTMLInputElement} */ (byId(id)));
byId("apply").hidden = true;

/** @type {Line[]} */
const lines = [...table.querySelectorAll("tr[data-id]")].map((each) => {
  const row = /** @type {HTMLTableRowElement} */ (each);
  const { id = "", pipeline = "" } = row.dataset;
  const health = row.cells[0].querySelector(".health")?.classList[1] ?? "";
  const message = row.cells[MESSAGE].lastElementChild?.previousSibling?.textContent ?? "";
  return searchable({ row, id, pipeline, health, message, text: "" });
});
const longest = Math.max(...lines.map(({ row }) => row.cells[1].textContent.length));
if (longest > 26) table.style.setProperty("--name", `${0.9 * longest}ch`); // names stay whole
const byName = new Map(lines.map((line) => [line.id, line]));

/** @param {Line} line */
function searchable(line) {
  line.text = `${line.id} ${line.health} ${line.message} ${line.pipeline}`.toLowerCase();
  return line;
}

let rest = 0;

/** @param {HTMLElement[]} rows */
function reveal(rows) {
  for (const row of rows) row.hidden = false;
  for (const body of table.tBodies) body.hidden = !body.querySelector("tr[data-id]:not([hidden])");
}

/** Show and hide rows as the filter says. */
function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  /** @type {HTMLElement[]} */
  const late = []; // out of sight
  let shown = 0;
  for (const { row, text } of lines) {
    const matches = words.every((word) => text.includes(word));
    if (matches && ++shown > 100 && row.hidden) late.push(row);
    else if (row.hidden === matches) row.hidden = !matches;
  }
  reveal([]);
  clearTimeout(rest);
  rest = setTimeout(reveal, 50, late);
  const some = shown < lines.length ? `${counted(shown)} of ` : "";
  byId("count").textContent = `${some}${counted(lines.length)} components`;
  history.replaceState(null, "", address());
}

/** The address of what is shown, so that it can be shared and survives a reload. */
function address() {
  const fields = [filter, group, order].filter((field) => field.value || field === group);
  return `${location.pathname}?${new URLSearchParams(fields.map((field) => [field.name, field.value]))}`;
}

filter.oninput = applyFilter;
group.onchange = () => location.assign(address());
form.onsubmit = (event) => event.preventDefault();
table.tHead?.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link) return;
  const url = new URL(link.href); // made for the filter that the page came with
  url.searchParams.set("filter", filter.value);
  link.href = url.href;
});

/** @param {number} step */
function move(step) {
  const links = /** @type {HTMLElement[]} */ ([...table.querySelectorAll("tr[data-id]:not([hidden]) a")]);
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  links.at(at + step < -1 ? -1 : Math.max(0, at + step))?.focus();
}

shortcut("/", "Filter", () => filter.select());
shortcut("ArrowDown j", "Next component", () => move(1));
shortcut("ArrowUp k", "Previous component", () => move(-1));
shortcut("Enter", "Open the component", () => false);
filter.onkeydown = (event) => {
  if (event.key === "Escape" && filter.value) {
    filter.value = "";
    applyFilter();
    event.preventDefault();
  } else if (event.key === "Escape" || event.key === "Enter") {
    filter.blur();
  } else if (event.key === "ArrowDown") {
    move(1);
    event.preventDefault();
  }
};

/** @param {Line} line @param {any} state */
function update(line, state) {
  const { cells } = line.row;
  COUNTS.forEach((count, at) => {
    const cell = cells[FIRST_NUMBER + at];
    const rate = perSecond(state.rates?.[at]);
    if (cell.textContent !== rate) cell.textContent = rate;
    const title = state.counts ? `${counted(state.counts[count])} ${state.counts.of} since it started` : "";
    if (cell.title !== title) cell.title = title;
  });
  showHealth(/** @type {Element} */ (cells[0].firstElementChild), cells[MESSAGE], state);
  if (line.health !== state.health || line.message !== state.message) {
    ({ health: line.health, message: line.message } = state);
    return searchable(line);
  }
}

keepFresh("api/v0/alloypy/states", byId("count"), (states) => {
  const known = states.filter((/** @type {Line} */ { id }) => byName.has(id));
  const changed = known.filter((/** @type {Line} */ state) => update(/** @type {Line} */ (byName.get(state.id)), state));
  if (changed.length) {
    applyFilter();
    for (const told of byId("summary").children) {
      const count = lines.filter((line) => line.health === told.id).length;
      told.toggleAttribute("hidden", !count && told.id !== "healthy");
      told.lastChild?.replaceWith(` ${count} ${told.id}`);
    }
  }
  return known.length === states.length && known.length === lines.length;
});
