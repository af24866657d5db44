"""The Node packages that tests of the pages use, installed once in a cache outside of the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.editing import needs
from tests.support.running import environment

_BROWSER = Path(__file__).parents[1] / "browser"
_SECONDS = 300


def node_packages() -> Path:
    """The folder `node_modules` with what tests/browser/package-lock.json names; skips where npm cannot."""
    needs("node", "npm")
    lock = (_BROWSER / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alloypy-tests"
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules").is_dir():
        _install(cache, folder)
    return folder / "node_modules"


def _install(cache: Path, folder: Path) -> None:
    """Install beside the place and rename, as other tests may do the same meanwhile."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        work = Path(temporary) / "packages"
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_BROWSER / name, work)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        variables = environment({"HOME": str(Path.home())})
        done = subprocess.run(
            command, cwd=work, env=variables, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        if done.returncode:
            pytest.skip(f"packages cannot be installed here: {done.stderr[-300:]}")
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
