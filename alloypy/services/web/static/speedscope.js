// @ts-check
/** Decodes the file format of speedscope (https://www.speedscope.app/file-format-schema.json). */

import { Refusal } from "./calltree.js";

/** @type {Units} */
const UNITS = {
  __proto__: null,
  none: ["samples", "count", 1],
  bytes: ["bytes", "bytes", 1],
  nanoseconds: ["time", "nanoseconds", 1],
  microseconds: ["time", "nanoseconds", 1e3],
  milliseconds: ["time", "nanoseconds", 1e6],
  seconds: ["time", "nanoseconds", 1e9],
};

/** @param {any} file what the JSON holds @param {Sink} sink */
export function decodeSpeedscope(file, sink) {
  const frames = file?.shared?.frames;
  const profiles = file?.profiles;
  if (!Array.isArray(frames) || !Array.isArray(profiles)) {
    throw new Refusal('It is JSON, but not a speedscope file: that has "shared.frames" and "profiles".');
  }
  const names = frames.map((frame) => sink.tree.nameId(String(frame?.name ?? "") || "<unknown>"));
  let samples = 0;
  for (const profile of profiles) {
    const unit = UNITS[profile?.unit ?? "none"];
    if (!unit) throw new Refusal(`It has the unknown unit ${JSON.stringify(profile.unit)}.`);
    const add = adder(sink, names, unit, String(profile?.name ?? ""));
    if (profile?.type === "sampled") samples += sampled(profile, add);
    else if (profile?.type === "evented") samples += evented(profile, add);
    else throw new Refusal(`It has a profile of unknown type ${JSON.stringify(profile?.type)}.`);
  }
  sink.about.samples = samples;
}

/** @param {Sink} sink @param {number[]} names @param {[string, string, number]} unit @param {string} profile */
function adder(sink, names, [type, unit, scale], profile) {
  const column = sink.column(type, unit);
  const base = (profile && sink.label("profile", () => profile)) || 0;
  const { tree } = sink;
  return {
    base,
    /** @param {number} node @param {number} frame */
    enter(node, frame) {
      const name = names[frame];
      if (name === undefined) throw new Refusal(`It names frame ${JSON.stringify(frame)} of ${names.length}.`);
      return tree.child(node, name);
    },
    /** @param {number} node @param {unknown} value */
    value(node, value) {
      if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
        throw new Refusal(`It has the weight ${JSON.stringify(value)}.`);
      }
      tree.self[column][node] += value * scale;
    },
  };
}

/** @param {any} profile @param {ReturnType<typeof adder>} add */
function sampled(profile, add) {
  const { samples, weights } = profile;
  if (!Array.isArray(samples) || !Array.isArray(weights) || samples.length !== weights.length) {
    throw new Refusal("It has samples without weights.");
  }
  samples.forEach((stack, i) => {
    if (!Array.isArray(stack)) throw new Refusal("It has a sample that is no list of frames.");
    let node = add.base;
    for (const frame of stack) node = add.enter(node, frame);
    add.value(node, weights[i]);
  });
  return samples.length;
}

/** @param {any} profile @param {ReturnType<typeof adder>} add */
function evented(profile, add) {
  if (!Array.isArray(profile.events)) throw new Refusal("It has a profile without events.");
  /** @type {{frame: unknown, node: number}[]} */
  const open = [];
  let last = typeof profile.startValue === "number" ? profile.startValue : 0;
  for (const event of profile.events) {
    const inner = open[open.length - 1];
    if (inner) add.value(inner.node, event?.at - last);
    last = event?.at;
    if (event?.type === "O") open.push({ frame: event.frame, node: add.enter(inner?.node ?? add.base, event.frame) });
    else if (event?.type === "C" && inner?.frame === event.frame) open.pop();
    else throw new Refusal("It closes a frame that is not open.");
  }
  return profile.events.length;
}
