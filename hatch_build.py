"""Adds to the wheel what is made from the sources: parse tables and, if wanted, compiled modules.

As a program, `python hatch_build.py FOLDER MODULE...` compiles modules, in the source tree. FOLDER then has
what belongs into the wheel in `built`. Exits with 1 and an error if that is not possible.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE = "ALLOYPY_COMPILE"
"""The environment variable that asks for compiled modules."""
SHARED = "alloypy.compiled"
"""The library that all compiled modules share: mypyc appends `__mypyc` to this name."""
OPTIONS = (
    # The wheel must not depend on what is installed where it is built: types of other packages stay unknown.
    "--config-file=",
    "--explicit-package-bases",
    "--ignore-missing-imports",
    "--no-site-packages",
)
_ERROR = re.compile(r"error: ", re.IGNORECASE)
_SHOWN = 100
"""Of a long reason, such as one with the whole command, so many characters from each end are shown."""


class NotCompiledError(Exception):
    """Its text says why, in one line."""


class MadeFromSources(BuildHookInterface[BuilderConfig]):
    """Hatchling's hook for the wheel.

    A checkout runs its sources as they are, and keeps its tables in the user's cache directory.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._folder: TemporaryDirectory[str] | None = None

    def dependencies(self) -> list[str]:
        """What the build needs in addition."""
        return list(self.config["compiler"]) if compiling_is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make everything and add it to the wheel."""
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


def grammar_tables(root: Path, folder: Path) -> dict[str, str]:
    """Write the parse tables of the grammars to the folder, so that they need not be made on start.

    Returns the place in the wheel for each file. root: of the source tree.
    """
    sys.path.insert(0, str(root))
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


def compiling_is_wanted() -> bool:
    """Whether the environment asks for compiled modules."""
    return os.environ.get(VARIABLE) == "1"


def compiled_modules(root: Path, modules: Sequence[str], folder: Path) -> dict[str, str]:
    """Compile modules into the folder; returns the place in the wheel for each file.

    root: of the source tree. mypyc and the C compiler run in a process of their own: both may end it, and
    print what they like. Raises NotCompiledError.
    """
    try:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).absolute()), str(folder), *modules],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise NotCompiledError(str(error)) from error
    if done.returncode:
        raise NotCompiledError(_reason(done.stdout, done.returncode))
    built = folder / "built"
    return {
        str(path): path.relative_to(built).as_posix() for path in sorted(built.rglob("*")) if path.is_file()
    }


def _reason(output: str, code: int) -> str:
    """The first error: others only follow from it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.search(line)]
    found = (errors or lines[-1:] or [f"it ended with code {code}"])[0]
    return found if len(found) <= 2 * _SHOWN else f"{found[:_SHOWN]} ... {found[-_SHOWN:]}"


def main(folder: Path, modules: Sequence[str]) -> None:
    """Compile the modules, all into one library. Raises setuptools.errors.BaseError, SystemExit."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    paths = [f"{module.replace('.', '/')}.py" for module in modules]
    extensions = mypycify(
        [*OPTIONS, f"--cache-dir={folder / 'types'}", *paths],
        opt_level="2",
        debug_level="0",
        target_dir=str(folder / "c"),
        group_name=SHARED,
    )
    for extension in extensions:
        # A compiler that mypyc has not been tried with may warn. What is only for debuggers doubles the size.
        arguments = [each for each in extension.extra_compile_args if each != "-Werror"]
        extension.extra_compile_args = [*arguments, *(() if sys.platform == "win32" else ("-g0",))]
    command = build_ext(Distribution({"name": "alloypy", "ext_modules": extensions}))
    command.build_lib = str(folder / "built")
    command.build_temp = str(folder / "objects")
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2:])
    except Exception as error:
        sys.exit(f"error: {type(error).__name__}: {error}")
