"""Compiles modules with mypyc and the C compiler: `python mypyc_run.py FOLDER MODULE...`, in the source tree.

FOLDER then has what belongs into the wheel in `built`. Exits with 1 and an error if that is not possible.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

SHARED = "alloypy.compiled"
"""The library that all compiled modules share: mypyc appends `__mypyc` to this name."""

OPTIONS = (
    # The wheel must not depend on what is installed where it is built: types of other packages stay unknown.
    "--config-file=",
    "--explicit-package-bases",
    "--ignore-missing-imports",
    "--no-site-packages",
)


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
        # A compiler that mypyc has not been tried with may warn.
        extension.extra_compile_args = [each for each in extension.extra_compile_args if each != "-Werror"]
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
