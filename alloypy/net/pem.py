"""PEM texts, handed to OpenSSL, which only takes certificates and keys from files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_file(text: str) -> Iterator[str]:
    """A path under which OpenSSL finds the text, which should not touch a disk."""
    if hasattr(os, "memfd_create"):
        descriptor, path = os.memfd_create("certificate"), ""
    else:
        import tempfile

        descriptor, path = tempfile.mkstemp()
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            file.write(text)
            file.flush()
            yield path or f"/proc/self/fd/{descriptor}"
    finally:
        if path:
            Path(path).unlink()
