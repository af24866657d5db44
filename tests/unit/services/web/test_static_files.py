"""The scripts and styles of the pages: how much they are, and that nothing in them is left over."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from pathlib import Path

import alloypy

PACKAGE = Path(alloypy.__file__).parent
STATIC = PACKAGE / "services" / "web" / "static"
MOST_BYTES = 120_000
MOST_PACKED = 40_000


def test_pages_are_small() -> None:
    """They are in each wheel, and in the memory of each process."""
    assert sum(each.stat().st_size for each in STATIC.iterdir()) <= MOST_BYTES
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for each in sorted(STATIC.iterdir()):
            tar.add(each, each.name)
    assert len(gzip.compress(archive.getvalue())) <= MOST_PACKED


def test_styles_are_of_something() -> None:
    """A class or an id that neither the server nor a script names has no style."""
    style = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "", (STATIC / "app.css").read_text("utf-8"), flags=re.DOTALL)
    sources = [*(PACKAGE / "services").rglob("*.py"), *PACKAGE.glob("drawing/*.py"), *STATIC.glob("*.js")]
    words = set(re.findall(r"[\w-]+", "\n".join(each.read_text("utf-8") for each in sources)))
    named = set(re.findall(r"[.#]([a-zA-Z][\w-]*)", style))
    assert len(named) > 40
    # What `kind` of a value and `state` of health make of a class is in other packages.
    assert named - words <= {"capsule", "exited", "function", "null"}
