"""Compiles modules of alloypy with mypyc, for a wheel that runs faster.

mypyc and the C compiler run in a process of their own: both may end it, and print what they like.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "ALLOYPY_COMPILE"
"""The environment variable that asks for it."""
_ERROR = re.compile(r"error: ", re.IGNORECASE)
_SHOWN = 100
"""Of a long reason, such as one with the whole command, so many characters from each end are shown."""


class NotCompiledError(Exception):
    """Its text says why, in one line."""


def compiling_is_wanted() -> bool:
    """Whether the environment asks for it."""
    return os.environ.get(VARIABLE) == "1"


def compiled_modules(root: Path, modules: Sequence[str], folder: Path) -> dict[str, str]:
    """Compile modules into the folder; returns the place in the wheel for each file.

    root: of the source tree. Raises NotCompiledError.
    """
    command = [sys.executable, str(Path(__file__).with_name("mypyc_run.py")), str(folder), *modules]
    try:
        done = subprocess.run(
            command,
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
