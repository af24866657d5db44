"""What limits the versions that load a configuration: each place with the set of versions that accept it.

A set of versions is a bit mask, as in `alloypy.catalog.versions`. The bounds of a configuration are found in
one walk over what it uses, without checking it for each version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import History, PathHistory
from alloypy.catalog.versions import Version
from alloypy.check.contents import ContentCheck
from alloypy.check.load_rules import RulePlace, check_rules
from alloypy.check.masking import MASK
from alloypy.check.rule_ages import is_known_to
from alloypy.check.versions.uses import Body, Member, NameUse, NodeUse, Uses, namespaces
from alloypy.graph.admission import Gate
from alloypy.graph.codes import LOAD_RULE
from alloypy.graph.nodes import Kind
from alloypy.rules import rules_for
from alloypy.schema.check import check_value
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block

_GATED_BLOCKS = frozenset({Kind.SERVICE, Kind.FOREACH})


class Bound(NamedTuple):
    """One thing that not all versions accept.

    mask: the versions that do. span: its place. subject: its name, such as `endpoint/http_headers`.
    kind: `presence`, `block`, `attribute`, `missing`, `value`, `label`, `repeated`, `stability`, `rule`.
    detail: the level for `stability`, the message for `rule` and `value`.
    body: the body that contains it, for what is in a component. member: what is written there.
    """

    mask: int
    span: Span
    subject: str
    kind: str
    detail: str = ""
    body: Body | None = None
    member: Member | None = None
    name: NameUse | None = None

    @property
    def place(self) -> str:
        """What and where it is, such as `endpoint/http_headers at a.alloy:4:5`."""
        return f"{self.subject} at {self.span}"

    def since(self, version: Version) -> str:
        """Why versions before this one are excluded."""
        return f"{self.place} {self._words(version, f'needs {version.name}', 'before', '')}"

    def until(self, version: Version) -> str:
        """Why this version is excluded."""
        return f"{self.place} {self._words(version, f'is gone in {version.name}', 'from', ' on')}"

    def _words(self, version: Version, gone: str, before: str, after: str) -> str:
        when = f"{before} {version.name}{after}"
        match self.kind:
            case "missing":
                return f"is missing, and required {when}"
            case "stability":
                return f"is {self.detail} {when}"
            case "block":
                return f"must be an attribute {when}"
            case "attribute":
                return f"must be a block {when}"
            case "value" | "rule":
                return f"is refused {when}: {self.detail}"
            case "label" | "repeated":
                return f"{self.detail} {when}"
        return gone


class BoundFinder:
    """Finds the bounds of a configuration."""

    def __init__(self, history: History, gate: Gate, contents: ContentCheck) -> None:
        self._history = history
        self._gate = gate
        self._contents = contents
        self._all = history.timeline.everything

    def find(self, uses: Uses) -> list[Bound]:
        """The bounds of everything that is used; those that exclude no version are left out."""
        found = (*self._nodes(uses.nodes), *self._names(uses.names))
        return [each for each in found if each.mask != self._all]

    def _nodes(self, nodes: Iterable[NodeUse]) -> Iterator[Bound]:
        for use in nodes:
            for bound in self._node(use):
                yield bound._replace(body=use.bodies[0])
            for body in use.bodies:
                yield from self._body(body)
            if not use.frame.unused:
                yield from self._rules(use)

    def _node(self, use: NodeUse) -> Iterator[Bound]:
        entry = use.entry
        yield Bound(entry.present, use.head, use.name, "presence")
        if use.node.kind is Kind.SERVICE:
            yield Bound(entry.configurable | ~entry.present & self._all, use.head, use.name, "presence")
        if use.is_component or use.node.kind in _GATED_BLOCKS:
            yield from self._stability(use)

    def _stability(self, use: NodeUse) -> Iterator[Bound]:
        refused = [(level, mask) for level, mask in use.entry.stability if not self.admits(level)]
        always = use.entry.present == sum(mask for _, mask in refused)
        for level, mask in refused:
            detail = "a community component" if level == "community" else f"at the level {level}"
            yield Bound(0 if always else self._all & ~mask, use.head, use.name, "stability", detail)

    def admits(self, level: str) -> bool:
        """Whether the command line permits components of a level."""
        if level == "community":
            return self._gate.community
        return Stability[level.upper().replace("-", "_")] >= self._gate.stability

    def _body(self, body: Body) -> Iterator[Bound]:
        for member in body.members:
            if member.history is not None:
                for bound in self._member(member, member.history, body):
                    yield bound._replace(body=body, member=member)
        for name, mask in self._required_in(body):
            if mask and not body.gives(name):
                path = f"{body.path}/{name}" if body.path else name
                yield Bound(self._all & ~mask, body.head, path, "missing", body=body)

    def _member(self, member: Member, known: PathHistory, body: Body) -> Iterator[Bound]:
        statement, path, _ = member
        span = member.span(body)
        absent = body.present & ~known.present
        yield Bound(self._all & ~absent, span, path, "presence")
        as_block = known.block & known.present
        if isinstance(statement, Block):
            yield Bound(self._all & ~(known.present & ~as_block), span, path, "block")
            yield from self._block(statement, known, path, body)
        else:
            yield Bound(self._all & ~as_block, span, path, "attribute")
            if len(known.types) > 1 or known.checked != known.present:
                yield from self._value(statement, known, path, body)

    def _block(self, statement: Block, known: PathHistory, path: str, body: Body) -> Iterator[Bound]:
        span = Span(body.node.source, statement.start, statement.lcurly)
        there = known.block & known.present
        if not known.group and body.counts[statement.full_name] > 1:
            yield Bound(
                self._all & ~(there & ~known.repeated), span, path, "repeated", "may be given only once"
            )
        if known.labelled not in (0, there) and not body.node.frame.unused:
            wrong = there & known.labelled if not statement.label else there & ~known.labelled
            word = "takes no label" if statement.label else "needs a label"
            yield Bound(self._all & ~wrong, span, path, "label", word)

    def _value(self, statement: Attribute, known: PathHistory, path: str, body: Body) -> Iterator[Bound]:
        """Bounds of an attribute whose type is not the same in all versions."""
        span = Span(body.node.source, statement.start, statement.end)
        parts = {
            part for _, mask in known.types for part in (mask & known.checked, mask & ~known.checked) if part
        }
        for part in sorted(parts):
            spec = spec_at(body, self._newest(part))
            wanted = spec.lookup.get(statement.name.name) if spec is not None else None
            if isinstance(wanted, AttributeSpec):
                faults = check_value(statement.value, body.node.source, wanted.type)
                if not faults and not body.node.frame.unused:
                    check = self._contents.values(body.node.source, body.node.frame)
                    check.fit(statement.value, wanted.type)
                    faults = check.faults
                if faults:
                    detail = MASK.masked(faults[0]).message
                    yield Bound(self._all & ~part, span, path, "value", detail)

    def _rules(self, use: NodeUse) -> Iterator[Bound]:
        """Bounds from load-time rules, which depend on the members and defaults of each version."""
        newest = self._newest(use.entry.present)
        if not any(_has_rules(body, newest) for body in use.bodies):
            return
        check = self._contents.values(use.source, use.frame)
        found: dict[tuple[int, str], Bound] = {}
        for part in self._classes(use):
            version = self._newest(part)
            place = RulePlace(use.node.block, use.name, use.source, older=not version.is_main)
            entry = entry_at(use, version)
            if entry is None:
                continue
            for fault in check_rules(place, use.node.body, entry, check.decided):
                span, message = fault.span or use.head, MASK.masked(fault).message
                new = Bound(self._all, span, use.name, "rule", message, use.bodies[0])
                bound = found.get((span.start, message), new)
                mask = bound.mask & ~self._having(fault, part)
                found[span.start, message] = bound._replace(mask=mask)
        yield from found.values()

    def _having(self, fault: Diagnostic, mask: int) -> int:
        """Those of the versions in a set that have the rule which a fault breaks."""
        if fault.code != LOAD_RULE:
            return mask
        versions = (each for each in self._history.timeline.versions if mask & each.bit)
        return sum(each.bit for each in versions if each.is_main or is_known_to(each, fault.message))

    def _classes(self, use: NodeUse) -> list[int]:
        """The versions with the component, divided where the bodies that are written differ.

        Main and its candidate are apart: they have all rules.
        """
        unfinished = [each.bit for each in self._history.timeline.versions[-2:] if not each.is_release]
        present = use.entry.present
        parts = [
            part for part in (*(present & bit for bit in unfinished), present & ~sum(unfinished)) if part
        ]
        for body in use.bodies:
            for known in use.entry.members(body.path).values():
                spans = (span for _, span in known.types)
                defaults = (span for span, _ in known.defaults)
                whole = (known.present, known.required, known.block, known.checked)
                for mask in (*whole, *spans, *defaults):
                    parts = [piece for part in parts for piece in (part & mask, part & ~mask) if piece]
        return parts

    def _required_in(self, body: Body) -> Iterator[tuple[str, int]]:
        for name, known in body.node.entry.members(body.path).items():
            if known.required:
                yield name, known.required & body.present

    def _newest(self, mask: int) -> Version:
        return self._history.timeline.versions[mask.bit_length() - 1]

    def _names(self, names: Iterable[NameUse]) -> Iterator[Bound]:
        for use in names:
            for bound in self._name(use):
                yield bound._replace(name=use)

    def _name(self, use: NameUse) -> Iterator[Bound]:
        space, dot, _ = use.name.partition(".")
        present = self._all if use.history is None else use.history.present
        if dot:
            own = namespaces(self._history)[space]
            # In a module that nothing uses, only the namespace counts.
            yield Bound(own if use.frame.unused else own & present, use.span, use.name, "presence")
        else:
            yield Bound(present, use.span, use.name, "presence")
        if use.history is not None and self._gate.stability > Stability.EXPERIMENTAL:
            mask = self._all & ~use.history.experimental
            yield Bound(mask, use.span, use.name, "stability", "at the level experimental")


def spec_at(body: Body, version: Version) -> Spec | None:
    """The spec of a body in a version; None if the version does not have it."""
    spec = entry_at(body.node, version)
    for name in body.path.split("/") if body.path else ():
        if spec is None:
            return None
        member = spec.groups.get(name) or spec.lookup.get(name)
        spec = member.body if isinstance(member, BlockSpec) else None
    return spec


def entry_at(use: NodeUse, version: Version) -> Spec | None:
    """What the component or config block accepts in a version; None if the version does not have it."""
    catalog = load_catalog(version)
    entry = catalog.component(use.name) if use.is_component else catalog.block(use.name)
    return None if entry is None else entry.arguments


def _has_rules(body: Body, version: Version) -> bool:
    spec = spec_at(body, version)
    return bool(
        rules_for(f"{body.node.name}/{body.path}".rstrip("/"), spec.rules if spec is not None else "")
    )
