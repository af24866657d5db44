"""Which build of alloypy this is: the sources alone, or with compiled modules."""

from __future__ import annotations

from importlib.util import find_spec

BUILD_KIND = "pure" if find_spec("alloypy.compiled__mypyc") is None else "compiled"
"""`compiled` if the modules that cost most are machine code; the library that they share tells."""
