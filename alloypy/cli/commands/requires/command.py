"""`alloypy requires`: the versions of Alloy that load configurations, and what limits them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import timeline
from alloypy.check.units.units import DISK, CheckOptions, Outcome, Reading, context_of, nothing_in
from alloypy.check.versions.bounds import Bound
from alloypy.check.versions.requires import Limit, Requirement, Window, requirement_of
from alloypy.cli import exit_codes
from alloypy.cli.files.reading import ReadUnit, is_of_file, one_line, parsed, read
from alloypy.cli.files.unit_flags import UnitFlags
from alloypy.cli.flags import FlagSet
from alloypy.os_errors import system_words
from alloypy.syntax.codes import UNREADABLE
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source

_SUMMARY = """Say which versions of Alloy load configurations, and what sets each limit.

Each PATH is one configuration, as for validate; - is standard input. Exit code: 0 if a version loads all of
them, 2 if a file cannot be read, else 1. A directory without *.alloy files gives a warning."""
_SHOWN = 3
"""How many places are shown for one limit; JSON has all of them."""


class _Answer(NamedTuple):
    """What is said about one configuration. faults: why no version loads it, or a warning."""

    path: str
    requirement: Requirement | None
    faults: tuple[Diagnostic, ...] = ()

    @property
    def unread(self) -> bool:
        """Whether a file cannot be read."""
        return any(map(is_of_file, self.faults))

    @property
    def mask(self) -> int | None:
        """The versions that load it; None if there was nothing to look at."""
        if self.requirement is not None:
            return self.requirement.mask
        return 0 if any(each.severity is Severity.ERROR for each in self.faults) else None


def run(argv: list[str]) -> int:
    """Say which versions load what `argv` names. Raises UsageError and HelpRequested."""
    flags = FlagSet("requires", "PATH...", _SUMMARY)
    units = UnitFlags(flags)
    output = flags.choice(
        "output-format", "text", ("text", "json"), noun="output format", doc="format of the answer"
    )
    paths = flags.parse(argv)
    answers = list(_answers(units, paths))
    print("\n".join(_text(answers)) if output.value == "text" else json.dumps(_data(answers), indent=2))
    if any(answer.unread for answer in answers):
        return exit_codes.VERSIONS_UNUSABLE
    return exit_codes.SUCCESS if _together(answers) else exit_codes.FAILURE


def _answers(flags: UnitFlags, paths: list[str]) -> Iterator[_Answer]:
    units = flags.units(paths)
    if flags.from_yaml:
        yield from _in_yaml(flags, units.paths)
        return
    for path, error in units.unreadable:
        message = f"open {path}: {system_words(error)}"
        yield _Answer(path, None, (Diagnostic(None, message, UNREADABLE),))
    for path in units.empty:
        yield _Answer(path, None, (nothing_in(path),))
    for path in units.paths:
        yield _answer(path, flags.stdin_name, flags.options(load_catalog(), path))


def _in_yaml(flags: UnitFlags, paths: list[str]) -> Iterator[_Answer]:
    """What YAML files need, with its places there."""
    from alloypy.check.manifests.manifests import IN_CONTAINER, configurations_in, permitted
    from alloypy.check.versions.in_yaml import placed_requirement

    def about(path: str, outcome: Outcome) -> _Answer:
        return _Answer(outcome.path, None, outcome.diagnostics)

    def read_file(path: str, source: Source, named: bool) -> Iterator[_Answer]:
        options = flags.options(load_catalog(), path)
        options = options._replace(gate=permitted(source.data, options.gate))
        for each in configurations_in(source, named=named):
            if isinstance(each, Outcome):
                yield about(path, each)
                continue
            answer = _needs(parsed(each.file, each.sources), options, IN_CONTAINER)
            found = answer.requirement
            yield _Answer(
                each.title,
                placed_requirement(found, each) if found is not None else None,
                tuple(map(each.diagnostic, answer.faults)),
            )

    return flags.in_yaml(paths, read_file, about)


def _answer(path: str, stdin_name: str, options: CheckOptions) -> _Answer:
    return _needs(read(path, stdin_name), options, DISK)


def _needs(unit: ReadUnit, options: CheckOptions, reading: Reading) -> _Answer:
    if not unit.files:
        return _Answer(unit.path, None, unit.faults)
    try:
        found = requirement_of(unit.files, options.gate, context_of(unit.directory, options, reading))
    except DiagnosticsError as error:
        return _Answer(unit.path, None, error.diagnostics)
    return _Answer(unit.path, found, found.faults)


def _text(answers: list[_Answer]) -> Iterator[str]:
    for answer in answers:
        found = answer.requirement
        if found is None or not found.mask:
            yield from _none(answer)
            continue
        yield f"{answer.path}: {_alloy(found.mask)}"
        for window in found.windows:
            yield from _limits(window)
    if sum(answer.mask is not None for answer in answers) > 1:
        together = _together(answers)
        yield f"together: {_alloy(together) if together else 'no version loads all of them'}"
        for answer in () if together else _clashing(answers):
            yield f"  {answer.path} needs {_alloy(answer.mask or 0)}"


def _together(answers: list[_Answer]) -> int:
    """The versions that load all configurations."""
    together = timeline().everything
    for answer in answers:
        if answer.mask is not None:
            together &= answer.mask
    return together


def _clashing(answers: list[_Answer]) -> list[_Answer]:
    """Two configurations that no version loads both, or all limited ones; none if one has no version."""
    limited = [each for each in answers if each.mask not in (None, timeline().everything)]
    if not all(each.mask for each in limited):
        return []
    pairs = ([one, other] for one in limited for other in limited if not (one.mask or 0) & (other.mask or 0))
    return next(pairs, limited)


def _none(answer: _Answer) -> Iterator[str]:
    found = answer.requirement
    if answer.mask is None or answer.unread:
        yield from (_of_file(answer.path, each) for each in answer.faults)
        return
    yield f"{answer.path}: no version of Alloy loads it"
    if found is not None:
        for bound in found.conflict:
            yield f"  {_alone(bound)}"
    for each in answer.faults[:_SHOWN]:
        yield f"  {each}" if each.span is not None else f"  {each.message}"
        if each.hint:
            yield f"    hint: {each.hint}"
    if len(answer.faults) > _SHOWN:
        yield f"  and {len(answer.faults) - _SHOWN} more faults; `alloypy validate` shows them"


def _of_file(path: str, fault: Diagnostic) -> str:
    return one_line(fault) if fault.span is not None else f"{path}: {one_line(fault)}"


def _limits(window: Window) -> Iterator[str]:
    if window.since is not None:
        yield from _bounds(f"from {window.since.version.name}", window.since, since=True)
    if window.until is not None:
        yield from _bounds(f"to {window.last.name}", window.until, since=False)


def _bounds(title: str, limit: Limit, *, since: bool) -> Iterator[str]:
    for bound in limit.bounds[:_SHOWN]:
        yield f"  {title}: {bound.since(limit.version) if since else bound.until(limit.version)}"
    if len(limit.bounds) > _SHOWN:
        yield f"  {title}: and {len(limit.bounds) - _SHOWN} more places"


def _alone(bound: Bound) -> str:
    """A bound of a configuration that no version loads, with the versions that accept it."""
    words = f"is accepted by {_ranges(bound.mask)}" if bound.mask else "is accepted by no version"
    if bound.kind == "missing":
        words = f"may be missing in {_ranges(bound.mask)}" if bound.mask else "is required, but missing"
    elif bound.kind == "stability":
        words = f"is {bound.detail}, which the command line does not permit"
        if bound.mask:
            words = f"is allowed in {_ranges(bound.mask)}"
    return f"{bound.place} {words}"


def _alloy(mask: int) -> str:
    return "all versions of Alloy" if mask == timeline().everything else f"Alloy {_ranges(mask)}"


def _ranges(mask: int) -> str:
    """A set of versions for people, such as `1.8.0 to 1.8.3, 1.9.2 and later`."""
    line = timeline()
    parts = []
    for first, after in line.spans(mask):
        if after is None:
            parts.append(f"{first.name} and later")
        elif after.index - first.index == 1:
            parts.append(first.name)
        else:
            parts.append(f"{first.name} to {line.versions[after.index - 1].name}")
    return ", ".join(parts)


def _data(answers: list[_Answer]) -> object:
    return {"configurations": [_unit(answer) for answer in answers], "together": _names(_together(answers))}


def _unit(answer: _Answer) -> dict[str, object]:
    found = answer.requirement
    return {
        "path": answer.path,
        "versions": _names(answer.mask or 0),
        "ranges": [_range(window) for window in found.windows] if found is not None else [],
        "conflict": [_bound(bound, _alone(bound)) for bound in (found.conflict if found is not None else ())],
        "faults": [_fault(each) for each in answer.faults],
    }


def _range(window: Window) -> dict[str, object]:
    since, until = window.since, window.until
    return {
        "first": window.first.name,
        "last": window.last.name,
        "from": [_bound(b, b.since(since.version)) for b in since.bounds] if since is not None else [],
        "to": [_bound(b, b.until(until.version)) for b in until.bounds] if until is not None else [],
    }


def _bound(bound: Bound, reason: str) -> dict[str, object]:
    place = bound.span.start_position
    return {
        "file": bound.span.source.name,
        "line": place.line,
        "column": place.column,
        "name": bound.subject,
        "kind": bound.kind,
        "reason": reason,
        "versions": _names(bound.mask),
    }


def _fault(found: Diagnostic) -> dict[str, object]:
    place = found.span.start_position if found.span is not None else None
    return {
        "file": found.span.source.name if found.span is not None else None,
        "line": place.line if place is not None else None,
        "column": place.column if place is not None else None,
        "code": found.code,
        "message": found.message,
    }


def _names(mask: int) -> list[str]:
    return [version.name for version in timeline().versions if mask & version.bit]
