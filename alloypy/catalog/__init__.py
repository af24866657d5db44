"""The catalog: what every component and config block of Alloy accepts and exports, run by alloypy or not.

`catalog.jsonl` holds one JSON value a line. The first line is the header:

- `format`: 1, the version of this form; a reader refuses any other.
- `alloy_version`, `alloy_commit`: the Alloy it describes.
- `stdlib`: `identifiers` of the standard library (a namespace's with its members), `deprecated` ones,
  and `experimental` functions.
- `components`, `config_blocks`, `defs`, `types`: for each name the byte offset of its line, counted
  from the end of the header. Only the lines that are asked for are read.

A component's line: `stability` (a level, or `community`), `community`, `args` and `exports` (bodies).
A config block's line: `kind` (`config`, `declare` or `service`), `label` (`required`, `ignored`,
`forbidden`), `allowed` (`root`, `module`, `anywhere`), `configurable`, `stability`, `args`.
A body is the name of a line in `defs`, or `go` (the name of its Go type), `need` (required attributes
and blocks in the order in which Alloy misses them), `attrs` and `blocks`:
`[name, type, default]` without the default where it is the type's zero value, and `[name, flags, body]`
with flags out of `repeated`, `label` (takes one), `preset` (there even when absent), `enum=GROUP`.
Types: `string`, `bool`, `int`, `uint16`, `float64`, `duration`, `secret`, `optional_secret`, `any`,
`list(T)`, `map(T)`, `T?` (optional), `@NAME` (a line in `types`).

Source: made by `alloypy.catalog.build` from the types that Alloy registers.
"""
