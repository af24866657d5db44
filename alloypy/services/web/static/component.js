// @ts-check
/** The page of a component: its health and its counts are kept up to date. */
import { byId, counted, keepFresh, perSecond, showHealth } from "./common.js";

const health = byId("health");

/** @param {any} answer */
function update([own]) {
  if (!own) return false;
  showHealth(health.children[0], health.children[1], own);
  ["entered", "left", "lost"].forEach((key, at) => {
    const [count, rate] = ["count", "rate"].map((each) => document.querySelector(`[data-${each}=${key}]`));
    if (count && rate && own.counts) {
      count.textContent = counted(own.counts[key]);
      rate.textContent = perSecond(own.rates?.[at]);
    }
  });
  return true;
}

keepFresh(`api/v0/alloypy/states?id=${encodeURIComponent(health.dataset.id ?? "")}`, byId("facts"), update);
