"""Leaves out what the user does not want to see of an upgrade: by code, by file, by comment."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.check.lint import MARK
from alloypy.check.units.units import CheckOptions
from alloypy.check.versions.codes import DEFAULT
from alloypy.check.versions.findings import Finding, Rank, at_first, each_of, order
from alloypy.check.versions.upgrade import Touched
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.tree import File


def wanted(found: Touched, files: Sequence[File], options: CheckOptions) -> Touched:
    """What an upgrade changes, without ignored and suppressed findings; what the new version refuses stays.

    Of a change that is reported for several places, those are left that no comment suppresses.
    """
    findings = [each for each in found.findings if not _is_ignored(each, options)]
    sources = {each.span.source for one in findings for each in _places(one) if each.span is not None}
    if any(MARK in source.data for source in sources.union(file.source for file in files)):
        findings = _unsuppressed(findings, files)
    return found._replace(findings=findings)


def _is_ignored(finding: Finding, options: CheckOptions) -> bool:
    if finding.rank is Rank.REFUSED:
        return False
    if finding.code in options.ignored:
        return True
    if options.ignored_in is None or finding.span is None:
        return False
    return finding.code in options.ignored_in(finding.span.source.name)


def _places(finding: Finding) -> list[Finding]:
    """The places of a finding, each as one; those of a group of defaults are all in one component."""
    return [finding] if finding.code == DEFAULT else each_of(finding)


def _unsuppressed(findings: Sequence[Finding], files: Sequence[File]) -> list[Finding]:
    from alloypy.check.lint.suppression import Judged, suppressed

    groups = [_places(each) for each in findings]
    said: list[Diagnostic] = [each.diagnostic() for group in groups for each in group]
    left = {id(each) for each in suppressed(said, files, Judged(frozenset(), False, False))}
    diagnostics = iter(said)
    kept = []
    for group in groups:
        unsuppressed = [each for each in group if id(next(diagnostics)) in left]
        if unsuppressed:
            kept.append(unsuppressed[0] if len(unsuppressed) == 1 else at_first(unsuppressed))
    return sorted(kept, key=order)
