"""Findings of an upgrade: what changes, how bad it is, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from alloypy.catalog.history import Breaking
from alloypy.check.versions.codes import DEFAULT
from alloypy.check.versions.uses import Body, Member, NameUse, NodeUse
from alloypy.syntax.diagnostics import Diagnostic, Edit, Severity
from alloypy.syntax.source import Source, Span


class Rank(IntEnum):
    """How much a finding matters, the worst first."""

    REFUSED = 0
    DEFAULT = 1
    BEHAVIOUR = 2
    DEPRECATED = 3
    NOTE = 4


class Finding(NamedTuple):
    """One thing that an upgrade changes.

    span: None for a flag of the command line. subject: what it is about, as it is written.
    message: the change in a sentence; old and new value of a default. remedy: what to do, or "".
    source: where it is documented, or "". entry: the listed change, if there is one.
    body, member, name: where the configuration uses it. fixes: changes that mend it, by source.
    further: the same change at other places.
    """

    rank: Rank
    code: str
    span: Span | None
    subject: str
    message: str
    remedy: str = ""
    source: str = ""
    entry: Breaking | None = None
    body: Body | None = None
    member: Member | None = None
    name: NameUse | None = None
    fixes: tuple[tuple[Source, tuple[Edit, ...]], ...] = ()
    further: tuple[Finding, ...] = ()

    def diagnostic(self, *, strict: bool = False) -> Diagnostic:
        """The finding for reports. strict: a changed default is an error, too."""
        failing = self.rank is Rank.REFUSED or (strict and self.rank is Rank.DEFAULT)
        severity = Severity.ERROR if failing else Severity.WARNING
        documented = f"documented in {self.source}" if self.source else ""
        hint = "; ".join(filter(None, (self.remedy.rstrip("."), documented)))
        source = self.span.source if self.span is not None else None
        fix = next((edits for changed, edits in self.fixes if changed is source), ())
        further = tuple(each.span for each in self.further if each.span is not None)
        return Diagnostic(self.span, self.message, self.code, severity, hint=hint, fix=fix, further=further)


def order(finding: Finding) -> tuple[Rank, bool, str, int]:
    """The key to sort findings by: rank, then place; changed behaviour that needs no action comes last."""
    span = finding.span
    return (
        finding.rank,
        finding.rank is Rank.BEHAVIOUR and not finding.remedy,
        span.source.name if span is not None else "",
        span.start if span is not None else -1,
    )


def at_first(findings: Sequence[Finding]) -> Finding:
    """One finding for one change at several places: at the first, with the number of the others."""
    first, *others = findings
    if not others:
        return first
    where = first.subject if first.body is None else named(first.body.node, first.subject)
    message = f"{where} (and {len(others)} more){first.message.removeprefix(where)}"
    return first._replace(message=message, further=tuple(others))


def each_of(finding: Finding) -> list[Finding]:
    """The findings that `at_first` has made one of."""
    message = finding.message.replace(f" (and {len(finding.further)} more)", "", 1)
    return [finding._replace(message=message, further=()), *finding.further]


_VALUES = re.compile(r".+? goes from (\S+) to (\S+?)((?:[:;., ].*)?)")
"""What a listed change says about the old and the new default, and what comes after these."""


def named(use: NodeUse, path: str) -> str:
    """A path for people, with the component."""
    return use.name if path in ("", use.name) else f"{path} of {use.name}"


def with_entry(finding: Finding, entry: Breaking | None) -> Finding:
    """A finding in the words of a listed change."""
    if entry is None:
        return finding
    what = "" if entry.what == "-" else entry.what
    message = f"{finding.message}: {what}" if what else finding.message
    values = _VALUES.fullmatch(what)
    if finding.code == DEFAULT and values is not None and finding.body is not None:
        # The list knows old defaults better than the history where these come from other modules.
        old, new, more = values.groups()
        where = named(finding.body.node, finding.subject)
        message = f"{where}: default {old}, from {entry.version} on {new}{more}"
    remedy = "" if entry.remedy == "-" else entry.remedy
    if finding.code == DEFAULT and remedy == "Remove it.":
        remedy = ""  # it is not given
    return finding._replace(message=message, remedy=remedy, source=entry.source, entry=entry)
