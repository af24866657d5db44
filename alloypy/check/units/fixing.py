"""Makes the changes that findings suggest, as long as each leaves a configuration without new errors.

Nothing is read or written here, so that an editor can use it for texts that have not been saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from alloypy.check.lint import is_of_rule
from alloypy.graph.codes import NO_URL
from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity, edited
from alloypy.syntax.source import Source

_MOST_ROUNDS = 10
"""How often a text is changed and checked again; one change may allow or require another."""

Check: TypeAlias = Callable[[Sequence[Source]], Sequence[Diagnostic]]
"""Returns the diagnostics of a configuration."""

_GUESSED = frozenset({NO_URL})
"""Findings whose change a person has to agree to: the scheme may be another."""

_Fix: TypeAlias = tuple[str, tuple[Edit, ...], str]
"""Name of the source, changes that belong together, and code of the finding."""


class Fixed(NamedTuple):
    """The outcome.

    sources: the texts after the changes, in their order; those without changes are the same objects.
    codes: how many findings of each code were fixed. left: the diagnostics afterwards.
    """

    sources: list[Source]
    codes: Counter[str]
    left: Sequence[Diagnostic]


def is_fixable(found: Diagnostic) -> bool:
    """Whether the change that a diagnostic suggests is safe; for errors and some findings it is a guess."""
    return found.severity is Severity.WARNING and is_of_rule(found) and found.code not in _GUESSED


def fixed(sources: Sequence[Source], check: Check, fixable: Callable[[Diagnostic], bool]) -> Fixed:
    """Make the changes of all fixable diagnostics, again and again until there are none.

    Changes of one round never overlap. A change that causes an error is not made.
    """
    texts = list(sources)
    found = check(texts)
    codes: Counter[str] = Counter()
    for _ in range(_MOST_ROUNDS):
        data = {source.name: source.data for source in texts}
        fixes = _apart(each for each in found if fixable(each) and _is_own(each, data))
        trial = _Trial(texts, found, check)
        made = trial.made(fixes) if fixes else []
        if not made:
            break
        codes.update(code for _, _, code in made)
        texts, found = trial.texts, trial.found
    return Fixed(texts, codes, found)


def _is_own(found: Diagnostic, texts: Mapping[str, bytes]) -> bool:
    """Whether a diagnostic is about one of the texts: not about an imported module, nor about a string."""
    return found.span is not None and texts.get(found.span.source.name) == found.span.source.data


def _apart(found: Iterable[Diagnostic]) -> list[_Fix]:
    """The changes of diagnostics, without those that overlap an earlier one's.

    What one removes or replaces may begin where that of another ends. But an insertion there has no certain
    order.
    """
    chosen: list[_Fix] = []
    fixes = {
        (each.span.source.name, tuple(sorted(each.fix)), each.code)
        for each in found
        if each.fix and each.span is not None
    }
    last: dict[str, Edit] = {}
    for name, edits, code in sorted(fixes):
        if (name not in last or _follows(edits[0], last[name])) and not _overlap(edits):
            chosen.append((name, edits, code))
            last[name] = edits[-1]
    return chosen


def _follows(edit: Edit, before: Edit) -> bool:
    """Whether a change comes after another one, in a certain order."""
    if edit.start == before.end:
        return edit.start < edit.end and before.start < before.end
    return edit.start > before.end


def _overlap(edits: Sequence[Edit]) -> bool:
    return any(before.end > after.start for before, after in pairwise(edits))


class _Trial:
    """Makes changes of a round: all together if possible, else in halves down to single ones."""

    def __init__(self, texts: list[Source], found: Sequence[Diagnostic], check: Check) -> None:
        self.texts = texts
        self.found = found
        self._check = check
        self._errors = _errors(found)
        self._made: list[_Fix] = []
        self._original = texts

    def made(self, fixes: Sequence[_Fix]) -> list[_Fix]:
        """Make those of the changes that cause no error, and return them."""
        after = self._after([*self._made, *fixes])
        found = self._check(after)
        if not _errors(found) - self._errors:
            self._made += fixes
            self.texts, self.found = after, found
        elif len(fixes) > 1:
            half = len(fixes) // 2
            self.made(fixes[:half])
            self.made(fixes[half:])
        return self._made

    def _after(self, fixes: Iterable[_Fix]) -> list[Source]:
        edits: dict[str, list[Edit]] = {}
        for name, own, _ in fixes:
            edits.setdefault(name, []).extend(own)
        return [
            Source(each.name, edited(each.data, edits[each.name])) if each.name in edits else each
            for each in self._original
        ]


def _errors(found: Iterable[Diagnostic]) -> Counter[tuple[str, str, str]]:
    """The errors among diagnostics, without their places, which changes move."""
    return Counter(
        (each.code, each.message, each.span.source.name if each.span is not None else "")
        for each in found
        if each.severity is Severity.ERROR
    )
