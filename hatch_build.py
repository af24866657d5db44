"""Adds to the wheel what is made from the sources: parse tables and, if wanted, compiled modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MadeFromSources(BuildHookInterface[BuilderConfig]):
    """Hatchling's hook for the wheel; `building` does the work.

    A checkout runs its sources as they are, and keeps its tables in the user's cache directory.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._folder: TemporaryDirectory[str] | None = None
        sys.path.insert(0, self.root)

    def dependencies(self) -> list[str]:
        """What the build needs in addition."""
        from building.compiled_modules import compiling_is_wanted

        return list(self.config["compiler"]) if compiling_is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make everything and add it to the wheel."""
        from building.compiled_modules import VARIABLE, compiling_is_wanted
        from building.grammar_tables import grammar_tables

        if os.environ.get(VARIABLE, "") not in ("", "0", "1"):
            self._not_compiled(f"{VARIABLE} is {os.environ[VARIABLE]!r}; to compile modules, set it to 1")
        if version == "editable":
            if compiling_is_wanted():
                self._not_compiled("an editable installation runs the sources as they are")
            return
        self._folder = TemporaryDirectory()
        folder = Path(self._folder.name)
        build_data["force_include"] |= grammar_tables(Path(self.root), folder)
        if compiling_is_wanted():
            self._compile(folder, build_data)

    def _compile(self, folder: Path, build_data: dict[str, Any]) -> None:
        from building.compiled_modules import NotCompiledError, compiled_modules

        try:
            files = compiled_modules(Path(self.root), self.config["modules"], folder)
        except NotCompiledError as error:
            self._not_compiled(str(error))
            return
        build_data["force_include"] |= files
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def _not_compiled(self, reason: str) -> None:
        self.app.display_warning(f"alloypy is built without compiled modules: {reason}")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for the wheel."""
        if self._folder is not None:
            self._folder.cleanup()
