"""The scripts and styles of the pages, as they are in the package."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from alloypy import __version__
from alloypy.drawing.style import STYLE
from alloypy.packed_package import PACKED

_TYPES = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}


DRAWING_STYLE = "drawing.css"
"""How pictures look; the same as in files of them."""


class StaticFile(NamedTuple):
    """A file that browsers may keep."""

    content: bytes
    content_type: bytes
    etag: bytes


def static_file(name: str) -> StaticFile | None:
    """The file of that name; None if there is none."""
    return _FILES.get(name)


def _read() -> dict[str, StaticFile]:
    found = {}
    for name, content in PACKED.files("alloypy.services.web", "static").items():
        content_type = _TYPES.get(name.rpartition(".")[2])
        if content_type is not None:
            found[name] = _file(content, content_type)
    found[DRAWING_STYLE] = _file(STYLE.encode(), _TYPES["css"])
    return found


def _file(content: bytes, content_type: bytes) -> StaticFile:
    return StaticFile(content, content_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"'.encode())


_FILES = _read()

VERSION = (
    f"{__version__}-{hashlib.sha256(b''.join(sorted(each.etag for each in _FILES.values()))).hexdigest()[:8]}"
)
"""Part of the addresses of static files, which may thus be kept forever: it changes with any of them."""
