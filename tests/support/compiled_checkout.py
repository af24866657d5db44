"""A compiled alloypy for the tests: its wheel, an environment with it, and a copy of the checkout with it.

The tests run in the copy. Whatever a test starts then has the compiled modules, be it by the path of
modules, in the current directory or from the installation; the checkout itself stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_SOURCES = ("alloypy", "grammar", "hatch_build.py", "pyproject.toml", ".ci/constraints.txt")
"""What a wheel is made from."""
_NOT_COPIED = (".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "node_modules")
_SHARED_OBJECTS = (".so", ".pyd")
_MOST_KEPT = 8


class NotBuiltError(Exception):
    """Its text says why, in one line."""


def wheel_cache() -> Path:
    """Where compiled wheels are kept for all checkouts."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "alloypy-tests" / "compiled"


def compiled_wheel(root: Path, python: Path, cache: Path) -> Path:
    """A compiled wheel of the checkout, built with the packages that `python` has; at once if it is cached.

    Raises NotBuiltError.
    """
    folder = cache / _key(root)
    if folder.is_dir():
        folder.touch()
        return next(folder.glob("*.whl"))
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        built = Path(temporary, "built")
        _build(root, python, built)
        if not folder.is_dir():  # another checkout may have been quicker
            built.rename(folder)
    for old in sorted(cache.iterdir(), key=lambda each: each.stat().st_mtime)[:-_MOST_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return next(folder.glob("*.whl"))


def compiled_environment(venv: Path, lender: Path, wheel: Path) -> None:
    """Make a virtual environment with the wheel and, of the environment `lender`, everything else.

    Raises NotBuiltError.
    """
    python = lender / "bin" / "python"
    shutil.rmtree(venv, ignore_errors=True)
    _run("no virtual environment", python, "-m", "venv", "--without-pip", venv)
    (site,) = venv.glob("lib/python*/site-packages")
    for entry in (lender / site.relative_to(venv)).iterdir():
        if "alloypy" not in entry.name:
            (site / entry.name).symlink_to(entry)
    pip = (python, "-m", "pip", "--python", venv / "bin" / "python", "--disable-pip-version-check")
    _run("the wheel cannot be installed", *pip, "install", "--quiet", "--no-deps", wheel)


def compiled_checkout(root: Path, wheel: Path, copy: Path) -> None:
    """Make a copy of the checkout that has the compiled modules of the wheel."""
    shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(copy, _compiled_in(wheel))


def _build(root: Path, python: Path, folder: Path) -> None:
    what = "the wheel cannot be built"
    _run(what, python, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root)
    if not all(map(_compiled_in, folder.glob("*.whl"))):
        raise NotBuiltError("the modules cannot be compiled; the reason is above")


def _run(failure: str, *command: str | Path) -> None:
    words = [str(word) for word in command]
    if subprocess.run(words, env={**os.environ, "ALLOYPY_COMPILE": "1"}, check=False).returncode:
        raise NotBuiltError(f"{failure}; the reason is above")


def _compiled_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if name.endswith(_SHARED_OBJECTS)]


def _key(root: Path) -> str:
    """Changes with everything that the wheel depends on, except the C compiler."""
    digest = hashlib.sha256(f"{sys.version} {sys.platform} {os.uname().machine}".encode())
    for name in _SOURCES:
        top = root / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
