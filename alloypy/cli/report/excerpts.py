"""Diagnostics for people on a terminal: the place in the text, a hint, and the code to look up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.render import SHOWN, not_shown, render


def excerpt(diagnostic: Diagnostic, color: bool, width: int | None) -> str:
    """The text of a diagnostic, with its hint and code. width: columns of the terminal, None without one."""
    explained = f"  = code: {diagnostic.code} (alloypy explain {diagnostic.code})\n"
    return render([diagnostic], color, hints=True, width=width) + explained


def excerpts(diagnostics: Iterable[Diagnostic], color: bool, width: int | None) -> Iterator[str]:
    """The texts of the first hundred diagnostics, and how many more there are."""
    rest = iter(diagnostics)
    yield from (excerpt(diagnostic, color, width) for diagnostic in islice(rest, SHOWN))
    yield from not_shown(rest)
