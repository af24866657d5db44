"""The scripts and styles of the pages, as they are in the package."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from alloypy import __version__
from alloypy.packed_package import PACKED

_TYPES = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}


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
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'.encode()
            found[name] = StaticFile(content, content_type, etag)
    return found


_FILES = _read()

VERSION = (
    f"{__version__}-{hashlib.sha256(b''.join(sorted(each.etag for each in _FILES.values()))).hexdigest()[:8]}"
)
"""Part of the addresses of static files, which may thus be kept forever: it changes with any of them."""
