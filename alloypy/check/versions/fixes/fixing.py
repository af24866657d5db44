"""The changes that mend findings of an upgrade."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.catalog.history import History
from alloypy.catalog.versions import Version
from alloypy.check.modules.frames import Frame
from alloypy.check.references import successor_of
from alloypy.check.versions.findings import Finding, Rank
from alloypy.check.versions.fixes.components import COMPONENTS, Edits
from alloypy.check.versions.fixes.editing import Editor
from alloypy.check.versions.fixes.recipes import RECIPES, Place, commented
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.source import Source

_REMOVALS = frozenset({"removed"})


class Fixing:
    """Finds the changes for an upgrade to a version. frames: the modules of the configuration."""

    def __init__(self, end: Version, frames: Sequence[Frame], history: History) -> None:
        self._end = end
        self._frames = frames
        self._history = history
        self._editors: dict[Source, Editor] = {}

    def of(self, finding: Finding) -> Edits:
        """The changes that mend a finding, by source; empty where a person has to decide."""
        found = self._made(finding)
        # Where comments stand in odd places, rather leave the change to people than lose one.
        kept = all(self._editor(source).keeps_comments(edits) for source, edits in found.items())
        if not kept:
            return {}
        return {source: self._editor(source).in_line_ends(edits) for source, edits in found.items()}

    def _editor(self, source: Source) -> Editor:
        return self._editors.setdefault(source, Editor(source))

    def _made(self, finding: Finding) -> Edits:
        if finding.name is not None:
            return _function(finding, self._end, self._history)
        entry, body = finding.entry, finding.body
        if entry is None or body is None:
            return {}
        statement = finding.member.statement if finding.member is not None else body.node.node.block
        place = Place(entry, statement, body, self._end, self._editor(body.node.source))
        if finding.member is None:
            component = COMPONENTS.get(entry.id)
            refused = finding.rank is Rank.REFUSED and body.path == ""
            return component(place, self._frames) if component is not None and refused else {}
        recipe = RECIPES.get(entry.id)
        if recipe is None and finding.rank is Rank.REFUSED and entry.kind in _REMOVALS:
            recipe = commented
        edits = recipe(place) if recipe is not None else []
        return {body.node.source: edits} if edits else {}


def _function(finding: Finding, end: Version, history: History) -> Edits:
    """The new name of a deprecated function, if nothing hides it."""
    use = finding.name
    if use is None or use.history is None or finding.rank is not Rank.DEPRECATED:
        return {}
    successor = successor_of(use.name)
    known = history.function(successor)
    if known is None or not known.present & end.bit:
        return {}
    if use.frame.scope.hides(successor.partition(".")[0]):
        return {}
    return {use.node.source: [Edit(use.chain[0].start, use.chain[0].end + 1, successor)]}
