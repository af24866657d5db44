"""The versions that load a configuration, and what limits them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import load_history
from alloypy.catalog.versions import Timeline, Version
from alloypy.check.configuration import Checked, Context, check_files
from alloypy.check.versions.bounds import Bound, BoundFinder
from alloypy.check.versions.uses import find_uses
from alloypy.graph.admission import Gate
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.tree import File


class Limit(NamedTuple):
    """What ends a span of versions. version: at a start the first one, at an end the first excluded one."""

    version: Version
    bounds: tuple[Bound, ...]


class Window(NamedTuple):
    """Successive versions that load the configuration.

    since, until: what sets the first and the last; None at the first known version and at main.
    """

    first: Version
    last: Version
    since: Limit | None
    until: Limit | None


class Requirement(NamedTuple):
    """The versions that load a configuration.

    mask: their set. windows: the same as spans with reasons. conflict: bounds that no version satisfies
    together, if there are any. faults: errors for which no version loads it.
    """

    mask: int
    windows: tuple[Window, ...]
    conflict: tuple[Bound, ...]
    faults: tuple[Diagnostic, ...]


def requirement_of(files: Sequence[File], gate: Gate, context: Context) -> Requirement:
    """Which versions load the files of one configuration.

    Raises DiagnosticsError if a file has an attribute outside any block, and CatalogError.
    """
    history = load_history()
    timeline = history.timeline
    checked = check_files(files, load_catalog(), gate, context)
    bounds = BoundFinder(history, gate, checked.contents).find(find_uses(checked.frames, history))
    mask = timeline.everything
    for bound in bounds:
        mask &= bound.mask
    if not mask:
        return Requirement(0, (), conflicting(bounds, timeline.everything), ())
    # Whatever else is wrong is wrong in every version: one of them shows it.
    version = timeline.versions[mask.bit_length() - 1]
    if not version.is_main:
        checked = check_files(files, load_catalog(version), gate, context)
    faults = errors_of(checked)
    if faults:
        return Requirement(0, (), (), faults)
    return Requirement(mask, windows(mask, bounds, timeline), (), ())


def errors_of(checked: Checked) -> tuple[Diagnostic, ...]:
    """The errors that a check found."""
    found = (*checked.as_alloy, *checked.further)
    return tuple(each for each in found if each.severity is Severity.ERROR)


def windows(mask: int, bounds: Iterable[Bound], timeline: Timeline) -> tuple[Window, ...]:
    """The spans of a set of versions, with the bounds that set them."""
    found = []
    for first, after in timeline.spans(mask):
        since = until = None
        if first.index:
            before = timeline.versions[first.index - 1]
            since = Limit(first, tuple(each for each in bounds if not each.mask & before.bit))
        if after is not None:
            until = Limit(after, tuple(each for each in bounds if not each.mask & after.bit))
        last = timeline.versions[after.index - 1] if after is not None else timeline.main
        found.append(Window(first, last, since, until))
    return tuple(found)


def conflicting(bounds: Sequence[Bound], everything: int) -> tuple[Bound, ...]:
    """A smallest set of bounds, as far as pairs go, that no version satisfies together."""
    for each in bounds:
        if not each.mask:
            return (each,)
    for index, each in enumerate(bounds):
        for other in bounds[:index]:
            if not each.mask & other.mask:
                return (other, each)
    rest = everything
    chosen: list[Bound] = []
    for each in sorted(bounds, key=lambda bound: bound.mask.bit_count()):
        if rest & each.mask != rest:
            rest &= each.mask
            chosen.append(each)
        if not rest:
            break
    return tuple(chosen)
