"""What a check has found: each fault once, in the words of the check that finds it first.

Alloy's own check comes first. What loading would report at the same place is not reported again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from alloypy.graph.codes import OUT_OF_SCOPE
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Statement


def no_pause() -> None:
    """Does nothing between the steps of a check: nobody wants to end it early."""


class Findings:
    """Faults and warnings beyond those of Alloy's own check.

    harmless: whether faults found now are in a module that nothing uses, so that they are only warnings.
    """

    def __init__(self, found: Sequence[Diagnostic], out_of_scope: Sequence[Diagnostic]) -> None:
        """found: by Alloy's own check. out_of_scope: names that it considers known, for their messages."""
        self.harmless = False
        self._kept: dict[tuple[Source, int, str], Diagnostic] = {}
        self._places: dict[Source, list[int]] = {}
        self._errors: set[tuple[Source, int]] = set()
        self._out_of_scope = {
            (each.span.source, each.span.start): each for each in out_of_scope if each.span is not None
        }
        for diagnostic in found:
            if diagnostic.span is not None and diagnostic.severity is Severity.ERROR:
                self._places.setdefault(diagnostic.span.source, []).append(diagnostic.span.start)
                self._errors.add((diagnostic.span.source, diagnostic.span.start))
        for places in self._places.values():
            places.sort()

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._kept.values())

    def is_faulty(self, statement: Statement, source: Source) -> bool:
        """Whether Alloy's own check finds an error in a statement."""
        places = self._places.get(source, [])
        at = bisect_left(places, statement.start)
        return at < len(places) and places[at] <= statement.end

    def add(self, faults: Iterable[Diagnostic]) -> None:
        """Add faults that have not been reported yet."""
        for fault in faults:
            self._add(fault)

    def _add(self, fault: Diagnostic) -> None:
        if fault.span is None:
            return
        place = fault.span.source, fault.span.start
        if fault.severity is Severity.ERROR:
            if place in self._errors:
                return
            if fault.code == OUT_OF_SCOPE:
                fault = self._out_of_scope.get(place, fault)
            if self.harmless:
                fault = fault._replace(severity=Severity.WARNING)
        self._kept.setdefault((*place, fault.message), fault)
