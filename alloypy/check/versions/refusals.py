"""What the new version of Alloy refuses, with the reason."""

from __future__ import annotations

from alloypy.catalog.history import Breaking, History
from alloypy.catalog.versions import Version
from alloypy.check.versions import codes
from alloypy.check.versions.bounds import Bound
from alloypy.check.versions.findings import Finding, Rank, named, with_entry
from alloypy.check.versions.listed import Listed

_HARD = ("removed", "renamed", "type", "requirement")


class Refusals:
    """Turns bounds that exclude a version into findings. end: the new version. listed: the listed changes."""

    def __init__(self, history: History, end: Version, listed: Listed) -> None:
        self._history = history
        self._end = end
        self._listed = listed
        self._ever = Listed(history.timeline.versions[0], end)

    def finding(self, bound: Bound) -> Finding:
        """What the new version refuses."""
        entry = self._entry(bound)
        message, code = self._words(bound, entry)
        finding = Finding(
            Rank.REFUSED,
            code,
            bound.span,
            bound.subject,
            message,
            body=bound.body,
            member=bound.member,
            name=bound.name,
        )
        if bound.kind == "stability":
            level = bound.detail.rpartition(" ")[2]
            remedy = f"Allow it with --stability.level={level}"
            if level == "component":
                remedy = "Allow it with --feature.community-components.enabled"
            finding = finding._replace(remedy=remedy)
        if bound.kind == "rule":
            return self._of_rule(bound, finding)
        return with_entry(finding, entry)

    def _of_rule(self, bound: Bound, finding: Finding) -> Finding:
        """What breaks a rule, with what a listed change of it says to do; its words would say it twice."""
        use = bound.body.node if bound.body is not None else None
        for body in use.bodies if use is not None else ():
            for member in body.members:
                span = member.span(body)
                if span.start == bound.span.start and span.end == bound.span.end:
                    entry = self._listed.take(body.node, body, member.path, "requirement")
                    if entry is not None:
                        return finding._replace(remedy=entry.remedy, source=entry.source, entry=entry)
        return finding

    def _words(self, bound: Bound, entry: Breaking | None) -> tuple[str, str]:
        subject = _subject(bound)
        name = self._end.name
        if bound.kind == "presence":
            return self._absent(bound, subject, entry)
        if bound.kind == "missing":
            return f"{subject} is required in {name}, but not given", codes.REQUIRED
        if bound.kind == "stability":
            return f"{subject} is {bound.detail} in {name}", codes.STABILITY
        if bound.kind in ("block", "attribute"):
            wanted = "an attribute" if bound.kind == "block" else "a block"
            code = codes.RENAMED if entry is not None and entry.kind == "renamed" else codes.TYPE
            return f"{subject} must be {wanted} in {name}", code
        if bound.kind == "value":
            return f"{subject} has another type in {name}: {bound.detail}", codes.TYPE
        if bound.kind == "rule":
            return f"{subject} is refused in {name}: {bound.detail}", codes.REFUSED_VALUE
        return f"{subject} {bound.detail} in {name}", codes.TYPE

    def _absent(self, bound: Bound, subject: str, entry: Breaking | None) -> tuple[str, str]:
        """Words for what the new version does not have: not any more, or not yet."""
        if not bound.mask & (self._end.bit - 1):
            newer = self._next(bound.mask)
            needs = f"it needs {newer.name}" if newer is not None else "no version has it"
            return f"{subject} does not exist in {self._end.name}: {needs}", codes.ABSENT
        gone = self._history.timeline.versions[self._gone(bound.mask)]
        if entry is not None and entry.kind == "renamed":
            return f"{subject} is renamed in {gone.name}", codes.RENAMED
        return f"{subject} is gone in {gone.name}", codes.REMOVED

    def _gone(self, mask: int) -> int:
        """The index of the first of the versions up to the new one that do not have something."""
        index = self._end.index
        while index > 0 and not mask >> (index - 1) & 1:
            index -= 1
        return index

    def _next(self, mask: int) -> Version | None:
        later = mask >> self._end.index
        if not later:
            return None
        return self._history.timeline.versions[self._end.index + (later & -later).bit_length() - 1]

    def _entry(self, bound: Bound) -> Breaking | None:
        """The listed change that says why a bound excludes the new version."""
        if bound.body is None or bound.kind in ("stability", "rule"):
            return None
        use = bound.body.node
        path = "" if bound.member is None and bound.kind == "presence" else bound.subject
        self._listed.take(use, bound.body, path, *_HARD)
        return self._ever.take(use, bound.body, path, *_HARD)


def _subject(bound: Bound) -> str:
    return bound.subject if bound.body is None else named(bound.body.node, bound.subject)
