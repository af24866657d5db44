"""Names of labels: in the rules of relabelling, and in targets that are written out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.catalog import labels
from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import Sight
from alloypy.lsp.features.completion.offers import Offer, OfferKind
from alloypy.lsp.workspace.symbols import Declaration
from alloypy.lsp.workspace.unit import Declared, Referred, Unit
from alloypy.schema.spec import AttributeSpec
from alloypy.syntax.tree import Array, Attribute, Block, Call, Expression, Literal, Object

_MOST_AROUND = 30
"""How many components are looked at that feed the one at the place."""

_BACKWARDS = frozenset({"receiver", "rules", "input"})
"""Exports that are named by what feeds the component; the others are named by what it feeds."""


def wants_label(place: Place) -> bool:
    """Whether a place is in the list of labels that a rule reads."""
    spec, member = place.spec, place.member
    named = isinstance(member, AttributeSpec) and member.name == "source_labels"
    return named and spec is not None and spec.rules == "relabel.Config" and place.call is None


def label_names(place: Place, sight: Sight) -> Iterator[Offer]:
    """The labels that what feeds a component may have; the best known first."""
    own = sight.own
    found: dict[str, tuple[int, str]] = {}
    if own is not None:
        for each in _feeding(sight.unit, Declared(sight.module.place, own)):
            declaration = each.declaration
            for name in _written(declaration):
                found.setdefault(name, (0, declaration.id))
            for name in labels.labels_of(declaration.name):
                found.setdefault(name, (1, declaration.id))
    for name in _always(own.name if own is not None else ""):
        found.setdefault(name, (2, ""))
    for name, (rank, origin) in found.items():
        yield Offer(name, OfferKind.LABEL, name, rank, f"of {origin}" if origin else "label")


def target_fields(place: Place) -> Iterator[Offer]:
    """The labels of a target that is being written, which say how it is reached."""
    node = place.expression
    written = {each.name for each in node.fields} if isinstance(node, Object) else set()
    for name in (*target_labels(place), "job", "instance"):
        if name not in written or name == place.written:
            yield Offer(name, OfferKind.ATTRIBUTE, name, 0 if name == labels.ADDRESS else 2, "label")


def target_labels(place: Place) -> tuple[str, ...]:
    """The labels of a target that the component around a place looks at; the most important first."""
    return _of_targets(next((each.block.full_name for each in place.blocks if not each.role.has_nodes), ""))


def is_target(type_: Type | None) -> bool:
    """Whether a type is that of targets."""
    return isinstance(type_, wanted.CapsuleType) and type_.cls.kind == "discovery.Target"


def _of_targets(component: str) -> tuple[str, ...]:
    if component.startswith(("loki.", "local.file_match")):
        return (*labels.OF_FILES, labels.ADDRESS)
    if component.startswith("pyroscope."):
        return (labels.ADDRESS, *labels.OF_PROFILES, *labels.OF_SCRAPES)
    return (labels.ADDRESS, *labels.OF_SCRAPES)


def _always(component: str) -> tuple[str, ...]:
    if component == "prometheus.relabel":
        return labels.OF_SAMPLES
    if component == "pyroscope.relabel":
        return (*labels.OF_PROFILES, *labels.OF_SAMPLES)
    return (*_of_targets(component), *labels.OF_SAMPLES)


def _feeding(unit: Unit, own: Declared) -> Iterator[Declared]:
    """A component, what feeds it, what feeds that, and so on."""
    named = [(tuple(part.name for part in each.reference.parts), each) for each in unit.references]
    waiting, seen = [own], {id(own.declaration)}
    for each in waiting:
        yield each
        for other in _neighbours(unit, named, each):
            if id(other.declaration) not in seen and len(seen) < _MOST_AROUND:
                seen.add(id(other.declaration))
                waiting.append(other)


def _neighbours(
    unit: Unit, named: Sequence[tuple[tuple[str, ...], Referred]], own: Declared
) -> Iterator[Declared]:
    names = tuple(own.declaration.id.split("."))
    for parts, each in named:
        holder = each.reference.holder
        if holder is own.declaration and parts[-1] not in _BACKWARDS:
            meaning = unit.meaning(parts, each.module)
            if meaning is not None:
                yield meaning.declared
        elif holder is not None and parts[: len(names)] == names and parts[-1] in _BACKWARDS:
            yield Declared(each.place, holder)


def _written(declaration: Declaration) -> Iterator[str]:
    """The labels that a component's configuration names: of its targets, and those that its rules write."""
    for statement in declaration.block.body:
        if isinstance(statement, Attribute):
            yield from _fields(statement.value)
        elif isinstance(statement, Block) and statement.full_name == "rule":
            for each in statement.body:
                value = (
                    each.value if isinstance(each, Attribute) and each.name.name == "target_label" else None
                )
                if isinstance(value, Literal) and value.kind == "STRING" and "$" not in value.text:
                    yield value.text[1:-1]


def _fields(value: Expression) -> Iterator[str]:
    """The names in the objects of a list, or of the lists that a function joins."""
    waiting = [value]
    for each in waiting:
        if isinstance(each, Call):
            waiting += each.args
        elif isinstance(each, Array):
            waiting += each.elements
        elif isinstance(each, Object):
            yield from (field.name for field in each.fields if field.name)
