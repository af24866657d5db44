"""The language server: what `alloypy validate`, `fmt` and `docs` know, for editors.

`wire/` speaks the protocol; `documents/` holds the texts; `workspace/` knows which texts form a
configuration; `cursor/` says what is at a place; `features/` has one module for each request. Only `wire/`
imports the protocol's library.
"""
