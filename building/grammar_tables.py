"""Makes the parse tables of the grammars, so that they need not be made on start."""

from __future__ import annotations

from pathlib import Path


def grammar_tables(root: Path, folder: Path) -> dict[str, str]:
    """Write the tables to the folder; returns the place in the wheel for each file.

    root: of the source tree, which must be on the path of modules.
    """
    from alloypy.syntax.grammar.lark_core import lark_version
    from alloypy.syntax.grammar.table_building import build_tables, start_symbols
    from alloypy.syntax.grammar.tables import to_bytes

    places = {}
    for file in sorted((root / "grammar").glob("*.lark")):
        grammar = file.read_text(encoding="utf-8")
        tables = folder / f"{file.stem}.tables"
        tables.write_bytes(to_bytes(build_tables(grammar, start_symbols(grammar)), lark_version(), grammar))
        places[str(tables)] = f"alloypy/_grammar/{tables.name}"
    return places
