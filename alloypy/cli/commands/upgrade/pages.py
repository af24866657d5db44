"""The report of an upgrade for people: on one screen what matters, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.check.versions.findings import Finding, Rank
from alloypy.check.versions.upgrade import Upgrade
from alloypy.cli.files.reading import is_of_file, one_line
from alloypy.cli.report import counted
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.render import escaped

_TITLES = {
    Rank.REFUSED: "refused by {to}",
    Rank.DEFAULT: "changed defaults",
    Rank.BEHAVIOUR: "changed behaviour and types",
    Rank.DEPRECATED: "deprecated",
    Rank.NOTE: "other changes",
}
_COUNTS = {
    Rank.REFUSED: ("refused", "refused"),
    Rank.DEFAULT: ("changed default", "changed defaults"),
    Rank.BEHAVIOUR: ("behaves differently", "behave differently"),
    Rank.DEPRECATED: ("deprecated", "deprecated"),
    Rank.NOTE: ("other change", "other changes"),
}
"""Words for one and for several."""
_COLOURS = {Rank.REFUSED: "\x1b[1;31m", Rank.DEFAULT: "\x1b[1;33m"}
_BOLD, _RESET = "\x1b[1m", "\x1b[0m"


class Page(NamedTuple):
    """What the page shows.

    findings: sorted. faults: other errors and warnings. paths: the configurations that were read.
    fixed: how many findings were fixed, or would be.
    """

    upgrade: Upgrade
    findings: Sequence[Finding]
    faults: Sequence[Diagnostic]
    paths: Sequence[str]
    fixed: int
    quiet: bool
    fixing: bool
    diff: bool


def page(content: Page, *, colour: bool) -> str:
    """The page as text."""
    return "".join(f"{line}\n" for line in _lines(content, colour))


def _lines(content: Page, colour: bool) -> Iterator[str]:
    upgrade = content.upgrade
    if upgrade.down and not content.quiet:
        yield f"{upgrade.end.name} is older than {upgrade.start.name}: this is a downgrade"
    for rank, title in _TITLES.items():
        if content.quiet and rank is not Rank.REFUSED:
            continue
        found = [each for each in content.findings if each.rank is rank]
        faults = _faults(content) if rank is Rank.REFUSED else []
        if not found and not faults:
            continue
        heading = title.format(to=upgrade.end.name)
        yield f"{_COLOURS.get(rank, _BOLD)}{heading}{_RESET}" if colour else heading
        for fault in faults:
            yield f"  {escaped(str(fault))}"
            if fault.hint:
                yield f"    hint: {escaped(fault.hint)}"
        for each in found:
            yield from _finding(each)
        yield ""
    yield from _warnings(content)
    if not content.quiet and (content.paths or content.findings or _faults(content)):
        yield _summary(content)


def _faults(content: Page) -> list[Diagnostic]:
    return [each for each in content.faults if each.severity is Severity.ERROR and not is_of_file(each)]


def _warnings(content: Page) -> Iterator[str]:
    for each in content.faults:
        if is_of_file(each):
            yield f"Error: {escaped(one_line(each))}"
        elif each.severity is not Severity.ERROR and not content.quiet:
            yield f"Warning: {escaped(each.message)}"


def _finding(found: Finding) -> Iterator[str]:
    place = f"{found.span}: " if found.span is not None else ""
    yield f"  {escaped(f'{place}{found.message}')}"
    documented = f"[{found.source}]" if found.source else ""
    remedy = " ".join(filter(None, (found.remedy, documented)))
    if remedy:
        yield f"      {escaped(remedy)}"


def _summary(content: Page) -> str:
    upgrade = content.upgrade
    between = f"between {upgrade.start.name} and {upgrade.end.name}"
    if not content.findings and not _faults(content) and not content.fixed:
        what = "this configuration" if len(content.paths) <= 1 else "these configurations"
        return f"nothing {between} touches {what}"
    counts = []
    for rank, words in _COUNTS.items():
        number = sum(each.rank is rank for each in content.findings)
        if rank is Rank.REFUSED:
            number += len(_faults(content))
        if number:
            counts.append(f"{number} {words[number > 1]}")
    if content.fixing:
        word = "would be fixed" if content.diff else "fixed"
        counts.insert(0, f"{content.fixed} {word}")
    return f"{between}: {', '.join(counts)} in {counted(len(content.paths), 'configuration')}"
