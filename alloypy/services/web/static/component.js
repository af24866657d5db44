// @ts-check
import { fetchJson, perSecond } from "./common.js";

const EVERY_MS = 2000;

const flow = document.getElementById("flow");

async function poll() {
  if (flow && document.visibilityState === "visible") {
    try {
      const [own] = await fetchJson(`api/v0/alloypy/states?id=${encodeURIComponent(flow.dataset.id ?? "")}`);
      ["entered", "left", "lost"].forEach((key, at) => {
        const count = flow.querySelector(`[data-count=${key}]`);
        const rate = flow.querySelector(`[data-rate=${key}]`);
        if (count && rate && own?.counts) {
          count.textContent = own.counts[key].toLocaleString("en");
          rate.textContent = perSecond(own.rates?.[at]);
        }
      });
    } catch {
      return;
    }
  }
  setTimeout(poll, EVERY_MS);
}

if (flow) {
  poll();
}
