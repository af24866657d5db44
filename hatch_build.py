"""Puts the parse tables of the grammars into the wheel, so that they need not be made on start."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GrammarTables(BuildHookInterface):
    """Hatchling's hook for the wheel; a checkout keeps its tables in the user's cache directory."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the tables and add them to the wheel."""
        self._folder = None
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from alloypy.syntax.grammar.lark_core import lark_version
        from alloypy.syntax.grammar.table_building import build_tables, start_symbols
        from alloypy.syntax.grammar.tables import to_bytes

        self._folder = TemporaryDirectory()
        for file in sorted(Path(self.root, "grammar").glob("*.lark")):
            grammar = file.read_text(encoding="utf-8")
            tables = Path(self._folder.name) / f"{file.stem}.tables"
            content = to_bytes(build_tables(grammar, start_symbols(grammar)), lark_version(), grammar)
            tables.write_bytes(content)
            build_data["force_include"][str(tables)] = f"alloypy/_grammar/{tables.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the tables made for the wheel."""
        if self._folder is not None:
            self._folder.cleanup()
