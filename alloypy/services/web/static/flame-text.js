// @ts-check
/** Values, shares and names as texts, and what a search matches. */

/** @type {Scales} */
const SCALES = {
  __proto__: null,
  nanoseconds: [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"], [60e9, "min"], [3600e9, "h"]],
  bytes: [[1, "B"], [1024, "KiB"], [1024 ** 2, "MiB"], [1024 ** 3, "GiB"], [1024 ** 4, "TiB"]],
};
/** @type {Aliases} */
const ALIASES = { __proto__: null, ns: 1, nanosecond: 1, microseconds: 1e3, us: 1e3, milliseconds: 1e6, ms: 1e6, seconds: 1e9, s: 1e9 };

const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 2 }); // making it takes longer than using it

/** A value for people, such as `2.01 s` or `6.1 KiB`. @param {number} value @param {string} unit */
export function valueText(value, unit) {
  const times = ALIASES[unit];
  const scale = SCALES[times ? "nanoseconds" : unit === "byte" ? "bytes" : unit];
  if (!scale) return NUMBERS.format(value) + (unit && unit !== "count" ? ` ${unit}` : "");
  const base = value * (times ?? 1);
  const [size, name] = scale.findLast(([each]) => Math.abs(base) >= each) ?? scale[0];
  const shown = base / size;
  return `${shown.toFixed(size === 1 || Math.abs(shown) >= 100 ? 0 : Math.abs(shown) >= 10 ? 1 : 2)} ${name}`;
}

/** @param {number} value @param {number} whole */
export function shareText(value, whole) {
  return `${(whole ? (100 * value) / whole : 0).toFixed(2)} %`;
}

/** The change of a share in percentage points. @param {number} change a share of 1 */
export function changeText(change) {
  const points = (100 * change).toFixed(2);
  return `${change > 0 ? "+" : ""}${points === "-0.00" ? "0.00" : points}`;
}

/** As much of a name as fits; its end says the most. @param {string} name @param {number} letters */
export function fitted(name, letters) {
  if (name.length <= letters) return name;
  const bracket = name.indexOf("(");
  const slash = name.lastIndexOf("/", bracket < 0 ? name.length : bracket);
  const short = name.slice(slash + 1);
  if (short.length <= letters) return short;
  if (letters < 4) return "";
  const from = name.length - letters + 1;
  const split = (name.charCodeAt(from) & 0xfc00) === 0xdc00; // not half of a character
  return `…${name.slice(split ? from + 1 : from)}`;
}

/** The package, module or class that a function belongs to. @param {string} name */
export function packageOf(name) {
  const bracket = name.search(/[(<[{]/);
  const plain = bracket > 0 ? name.slice(0, bracket) : name;
  const colons = plain.indexOf("::");
  if (colons > 0) return plain.slice(0, colons);
  const slash = plain.lastIndexOf("/") + 1;
  const dots = plain.slice(slash).split(".");
  return plain.slice(0, slash) + (dots.length > 2 && !slash ? dots.slice(0, -2).join(".") : dots[0].split(/[: ]/)[0]);
}

/**
 * What a search matches: texts that contain it, in any case. `*` stands for anything and `|` for "or". No
 * regular expressions, as a link from somebody else may hold one that never ends. Null if it is empty.
 * @param {string} search
 * @returns {((name: string) => boolean) | null}
 */
export function matcher(search) {
  const wanted = search.toLowerCase().split("|").map((each) => each.split("*").filter(Boolean));
  const terms = wanted.filter((pieces) => pieces.length);
  if (!terms.length) return null;
  return (name) => {
    const lower = name.toLowerCase();
    return terms.some((pieces) => {
      let at = 0;
      return pieces.every((piece) => {
        const found = lower.indexOf(piece, at);
        at = found + piece.length;
        return found >= 0;
      });
    });
  };
}

/** @param {Tree} tree @param {Box} box @param {number} letters how many fit */
export function labelOf(tree, box, letters) {
  if (letters < 2) return "";
  return fitted(box.rest ? `${box.rest} more` : box.node ? tree.names[tree.name[box.node]] : "all", letters);
}
