"""Hints for syntax faults: what to write instead, tried out before it is shown.

A text with one mistake often has many faults. A fault that disappears once the faults before it are
mended was a consequence, and gets no hint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from alloypy.syntax.codes import SYNTAX
from alloypy.syntax.diagnoser import diagnose
from alloypy.syntax.diagnostics import Diagnostic, Edit, edited, moved
from alloypy.syntax.lexer import scan
from alloypy.syntax.repairs.forms import FormOf, unknown_form
from alloypy.syntax.repairs.place import Place, Repair
from alloypy.syntax.repairs.repairs import advice, repairs
from alloypy.syntax.source import Source

_MOST_READ_BYTES = 500_000
"""How many bytes may be parsed again in total, to try repairs."""

_MOST_TRIED = 10
"""How many repairs of one fault are tried."""


def hinted(
    found: Sequence[Diagnostic], start: str = "file", form_of: FormOf = unknown_form
) -> tuple[Diagnostic, ...]:
    """The diagnostics of one or more files, with hints added to syntax faults that have one.

    start: what the texts are, `file` or `lone_expression`. form_of: the form of a name, if known.
    """
    by_source: dict[Source, dict[int, _Fault]] = {}
    for number, diagnostic in enumerate(found):
        if diagnostic.span is not None and diagnostic.code in SYNTAX:
            faults = by_source.setdefault(diagnostic.span.source, {})
            faults[number] = _Fault(diagnostic, diagnostic.span.start)
    hints: dict[int, Repair] = {}
    room = _MOST_READ_BYTES
    for source, faults in by_source.items():
        trial = _Trial(source, faults, room, start, form_of)
        hints.update(trial.run())
        room = trial.room
    return tuple(
        diagnostic._replace(hint=hints[number].hint, fix=hints[number].edits)
        if number in hints and not diagnostic.hint
        else diagnostic
        for number, diagnostic in enumerate(found)
    )


_Key: TypeAlias = tuple[int, str]
"""What identifies a fault: its offset and its message."""


class _Fault(NamedTuple):
    """A diagnostic and its offset."""

    diagnostic: Diagnostic
    start: int

    @property
    def key(self) -> _Key:
        """What identifies it."""
        return self.start, self.diagnostic.message

    def key_after(self, edits: Iterable[Edit]) -> _Key:
        """What identifies it after the text has been changed."""
        return moved(self.start, edits), self.diagnostic.message


class _Trial:
    """Mends the faults of one source one after the other.

    room: how many more bytes may be parsed. done: the changes so far. left: the faults that remain with
    these changes.
    """

    def __init__(
        self, source: Source, faults: Mapping[int, _Fault], room: int, start: str, form_of: FormOf
    ) -> None:
        self._start = start
        self._form_of = form_of
        self.room = room
        self._source = source
        self._known = faults
        self._done: tuple[Edit, ...] = ()
        self._left = Counter(fault.key for fault in faults.values())

    def run(self) -> Iterator[tuple[int, Repair]]:
        """The faults that have a hint, by their numbers."""
        scanned = scan(self._source)
        starts = [token.start for token in scanned.tokens]
        unmended: set[int] = set()  # lines: a later fault on such a line may be a consequence
        for number, fault in self._known.items():
            line = self._source.line(fault.start)
            if len(self._source.data) > self.room:
                return
            if line in unmended or fault.key_after(self._done) not in self._left:
                continue
            place = Place(scanned, starts, fault.diagnostic, fault.start)
            repair = self._best(place, fault)
            if repair is None:
                unmended.add(line)
                words = advice(place)
                repair = Repair(words, ()) if words else None
            if repair is not None:
                yield number, repair

    def _best(self, place: Place, fault: _Fault) -> Repair | None:
        """Of the repairs that mend the fault alone, the one that leaves the fewest faults; it is applied."""
        best: tuple[Repair, Counter[_Key]] | None = None
        tried: set[tuple[Edit, ...]] = set()
        for repair in repairs(place, self._form_of):
            if repair.edits in tried or _overlap((*self._done, *repair.edits)):
                continue
            tried.add(repair.edits)
            if len(tried) > _MOST_TRIED or len(self._source.data) > self.room:
                break
            left = self._faults((*self._done, *repair.edits))
            if left.total() >= (best[1] if best is not None else self._left).total():
                continue
            if self._mends(repair, fault):
                best = repair, left
        if best is None:
            return None
        self._done = (*self._done, *best[0].edits)
        self._left = best[1]
        return best[0]

    def _mends(self, repair: Repair, fault: _Fault) -> bool:
        """Whether the repair alone removes the fault, and causes no other fault in the lines it changes."""
        edits = repair.edits
        text = Source(self._source.name, edited(self._source.data, edits))
        now = self._faults(edits)
        if fault.key_after(edits) in now:
            return False
        places = [fault.start, *(at for edit in edits for at in (edit.start, edit.end))]
        lines = [text.line(moved(at, edits)) for at in places]
        known = {each.key_after(edits) for each in self._known.values()}
        new = [start for start, message in now if (start, message) not in known]
        return not any(min(lines) <= text.line(start) <= max(lines) for start in new)

    def _faults(self, edits: Iterable[Edit]) -> Counter[_Key]:
        data = edited(self._source.data, edits)
        self.room -= len(data)
        found = diagnose(scan(Source(self._source.name, data)), self._start)
        return Counter((each.span.start, each.message) for each in found if each.span is not None)


def _overlap(edits: Iterable[Edit]) -> bool:
    """Whether two changes concern the same bytes or the same place."""
    ordered = sorted(edits)
    return any(second.start < first.end or second.start == first.start for first, second in pairwise(ordered))
