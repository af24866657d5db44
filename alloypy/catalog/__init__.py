"""The catalog: what each of Alloy's components and config blocks accepts and exports, run by alloypy or not.

`catalog.jsonl` has one JSON value per line. The first line is the header:

- `format`: 1, the version of this format; a reader rejects any other.
- `alloy_version`, `alloy_commit`: the Alloy it describes.
- `stdlib`: `identifiers` of the standard library (a namespace's with its members), `deprecated` ones,
  and `experimental` functions.
- `components`, `config_blocks`, `defs`, `types`: for each name the byte offset of its line, counted
  from the end of the header. Lines are read only when they are needed.

A component's line: `stability` (a level, or `community`), `community`, `args` and `exports` (bodies).
A config block's line: `kind` (`config`, `declare` or `service`), `label` (`required`, `ignored`,
`forbidden`), `allowed` (`root`, `module`, `anywhere`), `configurable`, `stability`, `args`.
A body is the name of a line in `defs`, or `go` (the name of its Go type), `need` (required attributes
and blocks in the order in which Alloy reports them missing), `attrs` and `blocks`:
`[name, type, default]` without the default if it is the type's zero value, and `[name, flags, body]`
with flags from `repeated`, `label` (has one), `preset` (has its values even when absent), `enum=GROUP`.
Types: `string`, `bool`, `int`, `uint16`, `float64`, `duration`, `secret`, `optional_secret`, `any`,
`list(T)`, `map(T)`, `T?` (optional), `@NAME` (a line in `types`).

Source: made by `alloypy.catalog.build` from the types that Alloy registers.
"""
