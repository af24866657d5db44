"""Which findings are wanted: codes selected and ignored, on the command line and in settings.

A selector is a code, the beginning of one (`ALY09`), or `ALL`. The more specific selector decides; of two
equal ones, the one to ignore. The command line decides over settings if its selector is as specific.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from alloypy.check.explanations import all_codes
from alloypy.check.lint import all_rules
from alloypy.schema.nearest import nearest

ALL = "ALL"
"""Selects every rule, as in ruff."""

_LETTERS = "ALY"


class SelectionError(ValueError):
    """A selector that means nothing. hint: what may have been meant, or ""."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


class Selectors(NamedTuple):
    """The selectors of one place, such as a settings file.

    select: replaces the default selection; None leaves it. extend: adds to it. ignore: takes away from it.
    """

    select: tuple[str, ...] | None = None
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Chosen(NamedTuple):
    """The outcome. selected: the rules that run. ignored: other codes whose warnings are left out."""

    selected: frozenset[str]
    ignored: frozenset[str]


def selectors(texts: Iterable[str]) -> tuple[str, ...]:
    """The selectors in texts, each of which may hold several with commas between them."""
    return tuple(part.strip().upper() for text in texts for part in text.split(",") if part.strip())


def choose(*places: Selectors) -> Chosen:
    """What all places together choose; later ones decide over earlier ones. Raises SelectionError."""
    codes = all_codes()
    rules = all_rules()
    chosen = {code: code in rules and rules[code].default for code in codes}
    ignored: set[str] = set()
    standing: list[str] = []
    for place in places:
        _check(place, codes, rules)
        if place.select is not None:
            chosen = dict.fromkeys(codes, False)
        verdicts = [
            *((selector, False) for selector in standing),
            *((selector, True) for selector in (*(place.select or ()), *place.extend)),
            *((selector, False) for selector in place.ignore),
        ]
        for selector, verdict in sorted(verdicts, key=lambda each: _specificity(each[0])):
            matching = _matching(selector, codes)
            chosen.update(dict.fromkeys(matching, verdict))
            ignored = ignored.difference(matching) if verdict else ignored.union(matching)
        standing += place.ignore
    return Chosen(
        frozenset(code for code, verdict in chosen.items() if verdict and code in rules),
        frozenset(ignored.difference(rules)),
    )


def _check(place: Selectors, codes: Iterable[str], rules: Iterable[str]) -> None:
    """Raise SelectionError for a selector that matches nothing."""
    for selector in (*(place.select or ()), *place.extend):
        if not _matching(selector, rules):
            if _matching(selector, codes):
                raise SelectionError(f"{selector} is not a lint rule; errors are always reported")
            raise _unknown(selector, rules)
    for selector in place.ignore:
        if not _matching(selector, codes):
            raise _unknown(selector, codes)


def _specificity(selector: str) -> int:
    return 0 if selector == ALL else len(selector)


def _matching(selector: str, codes: Iterable[str]) -> list[str]:
    """The codes that begin with the selector; a selector of less than the letters is a slip."""
    if selector == ALL:
        return list(codes)
    return [code for code in codes if selector.startswith(_LETTERS) and code.startswith(selector)]


def _unknown(selector: str, known: Iterable[str]) -> SelectionError:
    close = nearest(selector, [*known, ALL])
    return SelectionError(
        f"there is no code {selector}; `alloypy explain` lists them",
        f"did you mean {close}?" if close else "",
    )
