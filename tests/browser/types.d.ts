/** Types that scripts of the pages share. */

type CallTree = import("../../alloypy/services/web/static/calltree.js").CallTree;
type Sink = import("../../alloypy/services/web/static/formats.js").Sink;

/** What a column of a call tree holds; `side`: "a" or "b" of a diff, otherwise "". */
type Column = { type: string; unit: string; side: string };
type Kind = { type: string; unit: string };
/** `time`: milliseconds since 1970; `preferred`: the sample type to show first. */
type About = { samples: number; time?: number; seconds?: number; preferred?: string };
/** The children of node `i` are `list[from[i]]` to before `list[from[i + 1]]`. */
type Children = { from: Int32Array; list: Int32Array };
/** By the number of a function's name. */
type Sums = { self: Float64Array; total: Float64Array };

/**
 * What is drawn. `base`: the totals of the first profile of a diff; `whole`, `wholeBase`: what 100 % is; `top`: the
 * node that is never left, 0 or the function of a sandwich.
 */
type Tree = {
  names: string[];
  parent: Int32Array;
  name: Int32Array;
  children: Children;
  total: Float64Array;
  base: Float64Array | null;
  whole: number;
  wholeBase: number;
  top: number;
};
/** `rest`: how many calls too narrow to be drawn it stands for; `node` is then their caller. */
type Box = { node: number; x: number; width: number; rest: number; hit: boolean };
/** Which nodes match a search, and which have a match below. */
type Hits = { own: Uint8Array; below: Uint8Array; total: number };
/** `safe`: for people who do not tell some colours apart. */
type Palette = { dark: boolean; safe: boolean };
/** Of a share: from -1 (gone) to 1. */
type Change = "same" | "new" | number;

/** `side`: "a" or "b" of a diff, otherwise "". */
type Source = { id: string; side: string; url: string };
type Fetched = { bytes: Uint8Array<ArrayBuffer>; labels: Record<string, string>; format: string; name: string };
type Read = About & Omit<Fetched, "bytes"> & { id: string; size: number };

/** An id or a value of 64 bits; a number if that is exact. */
type Big = number | bigint;

/** Of units that a profile names: objects without a prototype, which has names, too. */
type Scales = Record<string, [size: number, name: string][] | null>;
type Aliases = Record<string, number | null>;
type Units = Record<string, [type: string, unit: string, scale: number] | null>;

/** Who waits for an answer of the worker. */
type Waiting = { resolve: (answer: any) => void; reject: (fault: Error) => void };

/** What keys do; `keys`: as in KeyboardEvent.key, several separated by spaces; `run` returns false to leave the key to the browser. */
type Shortcut = { keys: string; does: string; run: (event: KeyboardEvent) => boolean | void };
type CanvasListener = {
  zoomed: (node: number) => void;
  chosen: (node: number) => void;
  pointed: (box: Box | null, event: MouseEvent | null) => void;
};
type TableListener = { open: (name: number) => void; sorted: (order: string) => void };
type TableData = { names: string[]; sums: Sums; base: Sums | null; whole: number; wholeBase: number; unit: string };
type SvgSettings = { title: string; width: number; searched: boolean; safe: boolean; describe: (box: Box) => string };

/** What a page shows. */
type State = {
  type: string;
  search: string;
  /** names from the root to the frame that has the full width */
  zoom: string[];
  /** the function of a sandwich, or "" */
  of: string;
  view: "both" | "flame" | "table";
  safe: boolean;
  /** whether to show only what the second profile of a diff lacks */
  gone: boolean;
  /** the label that stacks begin with */
  group: string;
  /** of the table; with `-` for descending */
  sort: string;
};

/** What the stream of the live page says about one profile; `at`: seconds since 1970. */
type Row = {
  id: number;
  at: number;
  component: string;
  verdict: string;
  labels: Record<string, string>;
  before?: Record<string, string>;
  rule?: number;
  endpoint?: string;
  status?: number | null;
  seconds?: number;
  tries?: number;
  reason?: string;
  destination?: string;
  size: number;
  body: string | null;
  bodies?: string[];
};
/** `first`: the oldest profile that is still held. */
type Message = { seen: number; shown: number; missed: number; first: number; rows: Row[] };
/** A row in the table of the live page. */
type Shown = { row: Row; element: HTMLElement; box: HTMLInputElement | null };
/** A row in the table of components; `text`: what the filter searches. */
type Line = { row: HTMLTableRowElement; id: string; pipeline: string; health: string; message: string; text: string };
