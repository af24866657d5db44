"""Hints for a check's faults: what to write instead, tried out before it is shown.

A guess works if it removes the fault and leaves no other error in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from time import monotonic
from typing import NamedTuple

from alloypy.check.advice.guesses import guesses, unlabelled
from alloypy.check.advice.sight import Place
from alloypy.check.lint import is_of_rule
from alloypy.check.scope import Language
from alloypy.graph import codes
from alloypy.schema import texts
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Edit, Severity, edited, moved
from alloypy.syntax.parser import parse_file
from alloypy.syntax.repairs.place import Repair
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File


class Again(NamedTuple):
    """Checks a configuration again with one of its files changed. size: how many bytes that reads."""

    check: Callable[[Source], Sequence[Diagnostic]]
    size: int


_MOST_READ_BYTES = 150_000
"""How many bytes may be checked again in total, to try guesses."""

_MOST_TRIED = 6
"""How many guesses for one fault are tried."""

_MOST_SECONDS = 5.0
"""How long guesses are tried; modules may take longer than their size suggests."""

_GUESSING = 20
"""How many faults can be examined in the time of one check."""

_MOST_NAMED = 3

_CYCLES = frozenset({codes.MODULE_CYCLE, codes.SELF_REFERENCE})


def hinted(
    found: Sequence[Diagnostic],
    files: Sequence[File],
    language: Language,
    again: Again,
    clock: Callable[[], float] = monotonic,
) -> tuple[Diagnostic, ...]:
    """The diagnostics of a check, each with a hint if a guess mends it."""
    trial = _Trial(found, files, language, again, clock)
    return tuple(map(trial.hinted, found))


class _Trial:
    """Tries guesses. `_room`: how many more bytes may be checked. `_until`: when to stop."""

    def __init__(
        self,
        found: Sequence[Diagnostic],
        files: Sequence[File],
        language: Language,
        again: Again,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._until = clock() + _MOST_SECONDS
        self._found = found
        self._files = list(files)
        self._language = language
        self._again = again.check
        self._size = again.size
        self._room = _MOST_READ_BYTES
        self._modules: dict[Source, File | None] = {}

    def hinted(self, fault: Diagnostic) -> Diagnostic:
        """The fault with the first guess that mends it as its hint; a hint that does not work is removed."""
        if fault.span is None or is_of_rule(fault):
            return fault
        if fault.message.startswith("field ") and self._lacks_label(fault):
            return fault._replace(hint="", fix=())
        self._room -= self._size // _GUESSING  # what is visible is collected again for each fault
        if self._size > self._room:
            return fault._replace(hint="", fix=()) if fault.fix else fault
        for guess in islice(self._guesses(fault, fault.span.source), _MOST_TRIED):
            if self._size > self._room or self._clock() > self._until:
                break
            words = self._mends(fault, fault.span.source, guess)
            if words is not None:
                return fault._replace(hint=words, fix=guess.edits)
        if fault.fix:
            return fault._replace(hint="", fix=())
        return fault if fault.hint else fault._replace(hint=self._choice(fault, fault.span.source))

    def _lacks_label(self, fault: Diagnostic) -> bool:
        """Whether the cause is a component without its label, which is another fault with its own hint."""
        place = self._place(fault, fault.span.source) if fault.span is not None else None
        return place is not None and place.holder in place.without_label

    def _choice(self, fault: Diagnostic, source: Source) -> str:
        """A hint with several equally likely names, all of which mend the fault."""
        place = self._place(fault, source)
        if place is None or fault.code != codes.OUT_OF_SCOPE:
            return ""
        names = unlabelled(place)[:_MOST_NAMED]
        if len(names) < 2 or len(names) * self._size > self._room:
            return ""
        edits = [Repair("", (Edit(place.start, place.end, name),)) for name in names]
        mending = [
            name
            for name, guess in zip(names, edits, strict=True)
            if self._mends(fault, source, guess) is not None
        ]
        return f"which one: {' or '.join(f'`{name}`' for name in mending)}?" if len(mending) > 1 else ""

    def _guesses(self, fault: Diagnostic, source: Source) -> Iterator[Repair]:
        if fault.fix:
            yield Repair(fault.hint, fault.fix)
        place = self._place(fault, source)
        if place is not None:
            yield from guesses(fault, place, self._language)

    def _place(self, fault: Diagnostic, source: Source) -> Place | None:
        if fault.severity is not Severity.ERROR or fault.span is None:
            return None
        file = self._file(source)
        if file is None:
            return None
        own = any(each is file for each in self._files)
        return Place(self._files if own else [file], file, fault.span, self._language)

    def _file(self, source: Source) -> File | None:
        """The tree of a file of the configuration or of a module."""
        for file in self._files:
            if file.source is source:
                return file
        if source not in self._modules:
            try:
                self._modules[source] = parse_file(source)
            except DiagnosticsError:
                self._modules[source] = None
        return self._modules[source]

    def _mends(self, fault: Diagnostic, source: Source, guess: Repair) -> str | None:
        """The hint for a guess that mends the fault; None if it does not."""
        edits = guess.edits
        changed = Source(source.name, edited(source.data, edits))
        self._room -= self._size
        try:
            now = self._again(changed)
        except DiagnosticsError:
            return None  # the text could be read before
        before = {_key(each, source, edits) for each in self._found}
        new = [each for each in now if _key(each) not in before and each.severity is Severity.ERROR]
        if _key(fault, source, edits) in {_key(each) for each in now} or fault.span is None:
            return None
        if any(each.code in _CYCLES for each in new):
            return None
        end = fault.span.start if fault.span.end is None else fault.span.end
        first = moved(
            min(fault.span.start, *(edit.start for edit in edits)), [e for e in edits if e.start != e.end]
        )
        last = max(moved(end + 1, edits), *(moved(edit.end, edits) for edit in edits))
        here = [each for each in new if _within(each, source.name, first, last)]
        gates = [each.hint for each in here if each.code == codes.GATE]
        if len(gates) < len(here):
            return None
        return f"{guess.hint} ({gates[0]})" if gates and gates[0] else guess.hint


def _key(fault: Diagnostic, source: Source | None = None, edits: Sequence[Edit] = ()) -> tuple[str, int, str]:
    """What identifies a fault, in the original text or after the changes."""
    if fault.span is None:
        return "", 0, fault.message
    name, start = fault.span.source.name, fault.span.start
    if source is not None and name == source.name:
        start = moved(start, edits)
    return name, start, fault.message


def _within(fault: Diagnostic, name: str, first: int, last: int) -> bool:
    """Whether a fault is about a part of these bytes; a fault about something missing in a block is not."""
    span = fault.span
    if span is None or span.source.name != name or fault.code == texts.CODES["missing"]:
        return False
    end = span.start if span.end is None else span.end
    return first <= span.start and end <= last
