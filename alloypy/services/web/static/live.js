// @ts-check
/** The live page: a stream of rows, of which the latest are shown; chosen ones lead to flame graphs. */
import { byId, counted, h, shortcut } from "./common.js";
import { valueText } from "./flame-text.js";

const STREAM = "api/v0/alloypy/live";
const MOST_ROWS = 500;
const RETRY_MS = 2000;

/** What another try would not change. */
class Refused extends Error {}

const match = /** @type {HTMLInputElement} */ (byId("match"));
const boxes = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=show]")]);
const [pause, merge, diff, download, clear] = /** @type {HTMLButtonElement[]} */ (
  ["pause", "merge", "diff", "download", "clear"].map(byId)
);
const table = byId("rows");
const problem = byId("problem");
const parameters = new URLSearchParams(location.search);

/** @type {Shown[]} newest first */
let shown = [];
/** @type {Shown[]} with a profile that is still held, oldest first */
let held = [];
/** @type {Map<string, Shown>} by the name of the profile, in the order in which they were chosen */
const chosen = new Map();
let paused = false;
let oldest = 0;
/** @type {AbortController | null} */
let current = null;
let retry = 0;
/** @type {{ at: number, seen: number }[]} */
let speeds = [];

/** Show what the stream says, from now on. Paused, it brings no rows, but what is held stays. */
function connect() {
  clearTimeout(retry);
  const resting = paused || document.hidden;
  const query = new URLSearchParams(parameters);
  query.set("show", resting ? "none" : verdicts().join(",") || "none");
  const before = current;
  const mine = (current = new AbortController());
  speeds = [];
  read(`${STREAM}?${query}`, mine, () => before?.abort()).then(
    () => again(mine),
    (/** @type {Error} */ reason) => again(mine, reason),
  );
}

/** After a stream has ended, try again if that may help. @param {AbortController} mine @param {Error} [reason] */
function again(mine, reason) {
  if (current !== mine) return;
  current = null;
  tell(reason?.message ?? "");
  if (!(reason instanceof Refused)) retry = setTimeout(connect, RETRY_MS);
}

/**
 * Read a stream to its end.
 * @param {string} url @param {AbortController} mine
 * @param {() => void} begun called once it has begun: only then may the one before it end
 */
async function read(url, mine, begun) {
  const response = await fetch(url, { signal: mine.signal, cache: "no-store" }).catch(() => {
    throw new Error("alloypy does not answer; is it still running? Trying again.");
  });
  begun();
  if (!response.ok || !response.body) {
    const text = (await response.text()).trim();
    throw response.status < 500 ? new Refused(text) : new Error(text);
  }
  tell("");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done || mine !== current) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop() ?? "";
    for (const message of messages) {
      byId("off").hidden = !message.startsWith("event: off");
      const data = message.split("\n").find((line) => line.startsWith("data: "));
      if (data && byId("off").hidden) take(JSON.parse(data.slice(6)));
    }
  }
}

/** @param {string} text */
function tell(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

/** @param {Message} message */
function take(message) {
  for (const row of message.rows) add(row);
  for (const gone of shown.splice(MOST_ROWS)) {
    gone.element.remove();
    choose(gone, false);
  }
  oldest = message.first;
  while (held.length && Number(held[0].row.body?.split("-")[1]) < oldest) letGo(/** @type {Shown} */ (held.shift()));
  if (!paused && !document.hidden) count(message);
}

/** @param {Message} message */
function count({ seen, shown: rows, missed }) {
  speeds.push({ at: performance.now(), seen });
  speeds = speeds.slice(-13);
  const seconds = (speeds[speeds.length - 1].at - speeds[0].at) / 1000;
  const speed = seconds > 0 ? (seen - speeds[0].seen) / seconds : 0;
  byId("counts").textContent =
    `${counted(seen)} seen (${counted(Math.round(speed))}/s), ${counted(rows)} shown` +
    (missed ? `, ${counted(missed)} more came too fast to look at` : "");
}

/** @param {Row} row */
function add(row) {
  const service = row.labels.service_name ?? "";
  const box = row.body ? /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", "aria-label": `Select ${service}, ${row.verdict}` })) : null;
  const element = h("tr", {},
    h("td", {}, box),
    h("td", { class: "mono time" }, clock(row.at)),
    h("td", {}, h("a", { href: `component/${row.component.split("/").map(encodeURIComponent).join("/")}` }, row.component)),
    h("td", {}, service),
    h("td", {}, row.labels.__name__ ?? ""),
    h("td", { class: "number" }, valueText(row.size, "bytes")),
    h("td", { class: row.verdict }, `${what(row)} `, labels(row)),
    h("td", { class: "profile" }, row.body ? h("a", { href: flame([row]), target: "_blank" }, "flame graph") : "–"),
  );
  const entry = { row, element, box };
  if (box) {
    box.onchange = () => {
      choose(entry, box.checked);
      if (box.checked && !paused) setPaused(true);
    };
  }
  table.prepend(element);
  shown.unshift(entry);
  if (row.body) held.push(entry);
}

/** @param {Shown} entry */
function letGo({ row, element, box }) {
  if (chosen.has(row.body ?? "")) return; // what was chosen stays chosen: only the server knows that it is gone
  box?.remove();
  element.querySelector(".profile")?.replaceChildren("–");
}

/** @param {Row} row */
function what(row) {
  const tries = row.tries && row.tries > 1 ? `, ${row.tries} tries` : "";
  const took = row.seconds ? ` after ${valueText(row.seconds, "seconds")}${tries}` : tries;
  switch (row.verdict) {
    case "sent": return `sent: ${row.status}${took}`;
    case "failed": return `failed${row.status ? ` with ${row.status}` : ""}${took}: ${row.reason ?? ""}`;
    case "dead_letter": return `dead letter for ${row.destination}, ${row.reason}`;
    case "dropped": return `dropped${row.rule ? ` by rule ${row.rule}` : ""}${row.reason ? ` (${row.reason})` : ""}`;
    default: return row.verdict;
  }
}

/** All labels of a row, folded away; those that a rule changed are marked. @param {Row} row */
function labels(row) {
  const before = row.before ?? row.labels;
  const names = [...new Set([...Object.keys(before), ...Object.keys(row.labels)])].sort();
  const changed = names.filter((name) => before[name] !== row.labels[name]);
  const lines = names.map((name) => {
    const [was, is] = [before[name], row.labels[name]];
    return h("div", { class: "mono" },
      `${name}=`,
      was === is ? JSON.stringify(is) : null,
      was !== is && was !== undefined ? h("del", {}, JSON.stringify(was)) : null,
      was !== is && is !== undefined ? h("ins", {}, JSON.stringify(is)) : null,
    );
  });
  const endpoint = row.endpoint ? h("div", { class: "mono" }, `to ${row.endpoint}`) : null;
  const title = changed.length ? `labels: ${changed.length} changed` : "labels";
  return h("details", {}, h("summary", {}, title), ...lines, endpoint);
}

/** @param {Shown} entry @param {boolean} wanted */
function choose(entry, wanted) {
  const name = entry.row.body ?? "";
  if (wanted) chosen.set(name, entry);
  else if (chosen.get(name) === entry) chosen.delete(name);
  const number = chosen.size;
  byId("selected").textContent = number ? `${number} selected` : "Nothing selected";
  merge.textContent = number > 1 ? `Merge ${number}` : "Merge";
  merge.disabled = number < 2;
  diff.disabled = number !== 2;
  download.disabled = clear.disabled = !number;
}

/** @param {Row} row */
const names = (row) => row.bodies ?? [row.body ?? ""];

/** The address of the flame graph of some profiles, merged. @param {Row[]} rows */
function flame(rows) {
  return `flame?${new URLSearchParams(rows.flatMap(names).map((name) => ["p", name]))}`;
}

function setPaused(/** @type {boolean} */ wanted) {
  paused = wanted;
  pause.textContent = paused ? "Go on" : "Pause";
  pause.setAttribute("aria-pressed", String(paused));
  connect();
}

const verdicts = () => boxes.filter((box) => box.checked).map((box) => box.value);

/** Have the address of the page say what is wanted, and show that, with what has been chosen before. */
function filter() {
  const before = String(parameters);
  parameters.set("show", verdicts().join(",") || "none");
  if (match.value.trim()) parameters.set("match", match.value.trim());
  else parameters.delete("match");
  if (String(parameters) === before) return;
  history.replaceState(null, "", `${location.pathname}?${parameters}`);
  shown = shown.filter((entry) => chosen.get(entry.row.body ?? "") === entry || entry.element.remove());
  connect();
}

/** @param {number} at */
function clock(at) {
  const time = new Date(at * 1000);
  return `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

match.value = parameters.get("match") ?? "";
const asked = parameters.get("show")?.split(",");
for (const box of boxes) {
  box.checked = asked ? asked.includes(box.value) : box.checked;
  box.onchange = filter;
}
byId("filter").onsubmit = (event) => {
  event.preventDefault();
  filter();
};
match.onchange = filter;
pause.onclick = () => setPaused(!paused);
merge.onclick = () => open(flame([...chosen.values()].map(({ row }) => row)));
diff.onclick = () => {
  const [a, b] = [...chosen.keys()];
  open(`flame?${new URLSearchParams({ a, b })}`);
};
download.onclick = () => {
  for (const name of [...chosen.values()].flatMap(({ row }) => names(row))) {
    h("a", { href: `${STREAM}/bodies/${name}`, download: "" }).click();
  }
};
clear.onclick = () => {
  for (const entry of [...chosen.values()]) {
    choose(entry, false);
    if (entry.box) entry.box.checked = false;
  }
};
shortcut("p", "Pause, or go on", () => pause.click());
shortcut("/", "Filter by labels", () => match.focus());
document.onvisibilitychange = connect;
connect();
