"""How the text of a flag becomes its value, with the error texts of Go's strconv package.

Source: docs/spec/RUNTIME.md, section 1 (error table of the command line).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alloypy.lang.go.text import quote

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def parse_bool(text: str) -> bool:
    """A Go boolean. Raises ValueError."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")


def choice(choices: Sequence[str], noun: str) -> Callable[[str], str]:
    """A parser that takes one of `choices`; its error names the `noun`, such as `stability level`."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"invalid {noun} {quote(text)}")
        return text

    return parse
