// @ts-check
import { address, byId, fetchJson, perSecond, shortcut } from "./common.js";

const EVERY_MS = 2000;
const NUMBERS = ["in", "out", "dropped"];
const RATES = ["entered", "left", "lost"];
const COLUMNS = ["health", "name", "module", ...NUMBERS, "message"];
const BADNESS = ["healthy", "unknown", "unhealthy", "exited"];

const table = /** @type {HTMLTableElement} */ (byId("components"));
const filter = /** @type {HTMLInputElement} */ (byId("filter"));
const group = /** @type {HTMLSelectElement} */ (byId("group"));
const order = /** @type {HTMLInputElement} */ (byId("sort"));
byId("apply").hidden = true;

/** @type {Line[]} */
const lines = [...table.querySelectorAll("tr[data-id]")].map((each) => {
  const row = /** @type {HTMLTableRowElement} */ (each);
  const cell = (/** @type {number} */ at) => (row.cells[at].textContent ?? "").trim();
  const line = {
    row, id: row.dataset.id ?? "", health: row.cells[0].querySelector(".health")?.classList[1] ?? "", name: cell(1), module: cell(2),
    message: row.cells[6].firstChild?.textContent ?? "", pipeline: row.dataset.pipeline ?? "", kind: cell(1).split(".").slice(0, 2).join("."), rates: null, text: "",
  };
  line.text = searched(line);
  return line;
});
const byName = new Map(lines.map((line) => [line.id, line]));
let known = lines.length;

/** @param {Line} line */
function searched(line) {
  return `${line.id} ${line.health} ${line.message} ${line.pipeline}`.toLowerCase();
}

/** @param {Line} line */
function groupOf(line) {
  switch (group.value) {
    case "pipeline": return line.pipeline;
    case "module": return line.module || "the configuration itself";
    case "kind": return line.kind;
    default: return "";
  }
}

/** @param {Line} line @param {string} column */
function sortKey(line, column) {
  if (column === "health") {
    return -BADNESS.indexOf(line.health);
  }
  const number = NUMBERS.indexOf(column);
  if (number >= 0) {
    return line.rates ? line.rates[number] : -1;
  }
  return /** @type {Record<string, any>} */ (line)[column];
}

/** Show and hide rows as the filter says. */
function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const line of lines) {
    const matches = words.every((word) => line.text.includes(word));
    if (line.row.hidden === matches) {
      line.row.hidden = !matches;
    }
    shown += matches ? 1 : 0;
  }
  for (const body of table.tBodies) {
    body.hidden = !body.querySelector("tr[data-id]:not([hidden])");
  }
  const all = lines.length.toLocaleString("en");
  byId("count").textContent = shown === lines.length ? `${all} components` : `${shown.toLocaleString("en")} of ${all} components`;
  remember();
}

/** Put the rows into groups and in order. */
function arrange() {
  const reverse = order.value.startsWith("-") ? -1 : 1;
  const column = order.value.replace("-", "");
  const sorted = [...lines].sort((a, b) => BADNESS.indexOf(b.health) - BADNESS.indexOf(a.health));
  /** @type {Map<string, Line[]>} */
  const groups = new Map();
  for (const line of sorted) {
    const name = groupOf(line);
    const members = groups.get(name);
    if (members) {
      members.push(line);
    } else {
      groups.set(name, [line]);
    }
  }
  const bodies = [];
  for (const [name, members] of groups) {
    if (column) {
      members.sort((a, b) => {
        const [x, y] = [sortKey(a, column), sortKey(b, column)];
        return x < y ? -reverse : x > y ? reverse : 0;
      });
    }
    const body = document.createElement("tbody");
    if (group.value) {
      const heading = document.createElement("th");
      heading.colSpan = COLUMNS.length;
      heading.scope = "rowgroup";
      heading.textContent = `${name} (${members.length})`;
      const row = body.insertRow();
      row.className = "group";
      row.append(heading);
    }
    body.append(...members.map((line) => line.row));
    bodies.push(body);
  }
  for (const body of [...table.tBodies]) {
    body.remove();
  }
  table.append(...bodies);
  for (const heading of table.tHead?.rows[0].cells ?? []) {
    const link = heading.querySelector("a");
    const own = link?.dataset.sort === column;
    if (own) {
      heading.setAttribute("aria-sort", reverse < 0 ? "descending" : "ascending");
    } else {
      heading.removeAttribute("aria-sort");
    }
  }
  applyFilter();
}

/** Keep the state in the address, so that it can be shared and survives a reload. */
function remember() {
  const query = new URLSearchParams();
  for (const field of [filter, group, order]) {
    if (field.value || field === group) {
      query.set(field.name, field.value);
    }
  }
  history.replaceState(null, "", `${location.pathname}?${query}`);
}

filter.addEventListener("input", applyFilter);
group.addEventListener("change", arrange);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
table.tHead?.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const column = link?.dataset.sort;
  if (!column || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  const first = NUMBERS.includes(column) ? `-${column}` : column;
  order.value = order.value !== first ? first : first.startsWith("-") ? column : `-${column}`;
  arrange();
});

/** @param {number} step */
function move(step) {
  const links = /** @type {HTMLElement[]} */ ([...table.querySelectorAll("tbody:not([hidden]) tr[data-id]:not([hidden]) a")]);
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

shortcut("/", "Filter", () => filter.select());
shortcut("ArrowDown j", "Next component", () => move(1));
shortcut("ArrowUp k", "Previous component", () => move(-1));
shortcut("Enter", "Open the component", () => false);
filter.addEventListener("keydown", (event) => {
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
});

/** @param {Node} node @param {string} text */
function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** @param {Line} line @param {any} state */
function update(line, state) {
  const cells = line.row.cells;
  line.rates = state.rates;
  NUMBERS.forEach((_, at) => {
    setText(cells[3 + at], perSecond(state.rates?.[at]));
    if (state.counts) {
      cells[3 + at].title = `${state.counts[RATES[at]].toLocaleString("en")} ${state.counts.of} since it started`;
    }
  });
  if (line.health === state.health && line.message === state.message) {
    return;
  }
  line.health = state.health;
  line.message = state.message;
  line.text = searched(line);
  const badge = cells[0].firstElementChild;
  if (badge) {
    badge.className = `health ${state.health}`;
    badge.textContent = `${{ healthy: "●", unknown: "○", unhealthy: "▲", exited: "■" }[/** @type {string} */ (state.health)] ?? ""} ${state.health}`;
  }
  cells[6].textContent = state.message;
}

async function poll() {
  if (document.visibilityState === "visible") {
    try {
      const states = await fetchJson("api/v0/alloypy/states");
      for (const state of states) {
        const line = byName.get(state.id);
        if (line) {
          update(line, state);
        } else {
          known = -1;
        }
      }
      if (known !== states.length) {
        notice("The components have changed. ", "Show them");
      } else {
        byId("summary").dataset.stale = "";
      }
    } catch (error) {
      notice(error instanceof Error ? `${error.message} ` : "", "Try again");
    }
  }
  setTimeout(poll, EVERY_MS);
}

/** @param {string} text @param {string} action */
function notice(text, action) {
  const shown = document.getElementById("notice") ?? document.createElement("p");
  shown.id = "notice";
  shown.className = "note";
  shown.setAttribute("role", "status");
  if (shown.firstChild?.textContent !== text) {
    const link = document.createElement("a");
    link.href = address(`./${location.search}`).href;
    link.textContent = action;
    shown.replaceChildren(text, link);
    byId("count").before(shown);
  }
}

poll();
