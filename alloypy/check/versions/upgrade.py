"""What lies between two versions of Alloy for a configuration.

The history of names, types and defaults decides what changes; the listed changes (`listed.py`) say it in
words, and add what the history does not show. Nothing is reported twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import History, load_history
from alloypy.catalog.versions import Version
from alloypy.check.configuration import Checked, Context, check_files
from alloypy.check.masking import MASK
from alloypy.check.versions import codes
from alloypy.check.versions.announced import Announced
from alloypy.check.versions.bounds import BoundFinder
from alloypy.check.versions.changes import Changes
from alloypy.check.versions.findings import Finding, Rank, order
from alloypy.check.versions.listed import Listed, reading
from alloypy.check.versions.refusals import Refusals
from alloypy.check.versions.requires import errors_of
from alloypy.check.versions.uses import Uses, find_uses
from alloypy.graph.admission import Gate
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.tree import File


class Upgrade(NamedTuple):
    """An upgrade, or a downgrade. start, end: the versions. gate: what the command line permits."""

    start: Version
    end: Version
    gate: Gate

    @property
    def down(self) -> bool:
        """Whether it goes to an earlier version."""
        return self.end.index < self.start.index


class Touched(NamedTuple):
    """What an upgrade changes for a configuration.

    findings: by rank, then place. others: further errors for which the new version refuses it.
    checked: the check of the configuration for main, with its modules.
    """

    findings: list[Finding]
    others: tuple[Diagnostic, ...]
    checked: Checked

    @property
    def refused(self) -> bool:
        """Whether the new version refuses the configuration."""
        return bool(self.others) or any(each.rank is Rank.REFUSED for each in self.findings)


def touched(files: Sequence[File], upgrade: Upgrade, context: Context) -> Touched:
    """What changes for the files of one configuration.

    Raises DiagnosticsError if a file has an attribute outside any block, and CatalogError.
    """
    history = load_history()
    checked = check_files(files, load_catalog(), upgrade.gate, context)
    uses = find_uses(checked.frames, history)
    found = sorted(_findings(uses, upgrade, checked, history), key=order)
    if not upgrade.down:
        found = _with_fixes(found, upgrade.end, checked, history)
    at_end = check_files(files, load_catalog(upgrade.end), upgrade.gate, context)
    refused = [each for each in found if each.rank is Rank.REFUSED and each.span is not None]
    others = tuple(MASK.masked(each) for each in errors_of(at_end) if not _covered(each, refused))
    return Touched(found, others, checked)


def without_old_errors(found: Touched, files: Sequence[File], upgrade: Upgrade, context: Context) -> Touched:
    """What changes, with one error in place of those for which both versions refuse the files."""
    if not found.refused:
        return found
    at_start = check_files(files, load_catalog(upgrade.start), upgrade.gate, context)
    before = [MASK.masked(each) for each in errors_of(at_start)]
    known = {_key(each) for each in before}
    same = [each for each in found.findings if each.code in _OF_NAMES and _covers(each, before)]
    still = {_key(each) for each in found.others}
    # An error that only the old version reports is no reason for which the new one refuses the files.
    both = [each for each in before if _key(each) in still or _covered(each, same)]
    if not both:
        return found
    more = f" (and {len(both) - 1} more)" if len(both) > 1 else ""
    message = f"already refused by {upgrade.start.name}: {both[0].message}{more}"
    findings = [each for each in found.findings if each not in same]
    others = [each for each in found.others if _key(each) not in known]
    return found._replace(findings=findings, others=(both[0]._replace(message=message, fix=()), *others))


def _key(error: Diagnostic) -> tuple[str, str]:
    return str(error.span), error.message


def _covers(finding: Finding, errors: Sequence[Diagnostic]) -> bool:
    return any(_covered(error, [finding]) for error in errors)


_OF_NAMES = frozenset({codes.REMOVED, codes.RENAMED, codes.ABSENT})
"""Codes of what the new version does not know: an error of the old one at the place says the same."""


def _findings(uses: Uses, upgrade: Upgrade, checked: Checked, history: History) -> Iterator[Finding]:
    start, end, gate = upgrade
    bounds = BoundFinder(history, gate, checked.contents)
    listed = Listed(start, end)
    refusals = Refusals(history, end, listed)
    read = reading(checked.contents)
    changes = Changes(history, (start, end), listed, bounds)
    for each in bounds.find(uses):
        # What has been wrong before is reported as any error, unless history says more about it.
        if not each.mask & end.bit and (each.mask & start.bit or each.kind in ("presence", "stability")):
            yield refusals.finding(each)
    for use in uses.nodes:
        if use.entry.present & end.bit:
            yield from changes.of(use)
    for name in uses.names:
        yield from changes.function(name)
    yield from Announced(history, start, end, listed, read).find(uses)


def _with_fixes(
    findings: Sequence[Finding], end: Version, checked: Checked, history: History
) -> list[Finding]:
    from alloypy.check.versions.fixes.fixing import Fixing

    fixing = Fixing(end, checked.frames, history)
    fixes = [tuple((source, tuple(edits)) for source, edits in fixing.of(each).items()) for each in findings]
    return [each._replace(fixes=own) for each, own in zip(findings, fixes, strict=True)]


def _covered(error: Diagnostic, findings: Sequence[Finding]) -> bool:
    """Whether a finding says already that the place of an error is refused."""
    at = error.span
    if at is None:
        return False
    for each in findings:
        span = each.span
        if span is not None and span.source.name == at.source.name and span.source.data == at.source.data:
            end = span.end if span.end is not None else span.start
            if span.start <= at.start <= end:
                return True
    return False
