"""The standard library of the language.

Source: docs/spec/SYNTAX.md, section 5, standard library.
"""

from __future__ import annotations

from alloypy.lang.stdlib.library import ALIASES, DEPRECATED, EXPERIMENTAL, IDENTIFIERS, Stdlib

__all__ = ["ALIASES", "DEPRECATED", "EXPERIMENTAL", "IDENTIFIERS", "Stdlib"]
