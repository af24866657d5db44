"""A compiled alloypy for the tests: its wheel, and a copy of the checkout that has the compiled modules, too.

The tests run in the copy. Whatever a test starts then has the compiled modules, be it by the path of
modules, in the current directory or from the installation; the checkout itself stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

_SOURCES = ("alloypy", "building", "grammar", "hatch_build.py", "pyproject.toml", ".ci/constraints.txt")
"""What a wheel is made from."""
_NOT_COPIED = (".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "node_modules")
_SHARED_OBJECTS = (".so", ".pyd")


class NotBuiltError(Exception):
    """There is no compiled wheel; its text says why, in one line."""


def compiled_wheel(root: Path, python: Path, cache: Path) -> Path:
    """A compiled wheel of the checkout, built with the packages that `python` has; at once if it is cached.

    Raises NotBuiltError.
    """
    folder = cache / _key(root, python)
    found = list(folder.glob("*.whl"))
    if found:
        return found[0]
    shutil.rmtree(cache, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [python, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root]
    words = [str(word) for word in command]
    if subprocess.run(words, env={**os.environ, "ALLOYPY_COMPILE": "1"}, check=False).returncode:
        raise NotBuiltError("the wheel cannot be built; the reason is above")
    (wheel,) = folder.glob("*.whl")
    if not _compiled_in(wheel):
        wheel.unlink()
        raise NotBuiltError("the modules cannot be compiled; the reason is above")
    return wheel


def compiled_checkout(root: Path, wheel: Path, copy: Path) -> None:
    """Make the copy of the checkout anew, with the compiled modules of the wheel."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(copy, _compiled_in(wheel))


def _compiled_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if name.endswith(_SHARED_OBJECTS)]


def _key(root: Path, python: Path) -> str:
    """Changes with everything that the wheel depends on, except the C compiler."""
    digest = hashlib.sha256(f"{python} {sys.version} {sys.platform}".encode())
    for name in _SOURCES:
        top = root / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
