"""Values: what an expression can name, and what its type allows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from alloypy.graph.admission import Gate
from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import MODULE_PATH, Name, Sight, Source
from alloypy.lsp.cursor.values import element_of
from alloypy.lsp.features.choices import choices_at
from alloypy.lsp.features.completion.offers import Offer, OfferKind, Topic
from alloypy.lsp.features.completion.settings import gate_of
from alloypy.lsp.features.completion.target_labels import is_target, label_names, target_labels, wants_label
from alloypy.schema.describe import default_of
from alloypy.schema.spec import AttributeSpec
from alloypy.schema.stability import Stability
from alloypy.syntax.tree import Attribute

_KINDS = {
    Source.COMPONENT: OfferKind.REFERENCE,
    Source.ARGUMENT: OfferKind.VARIABLE,
    Source.VARIABLE: OfferKind.VARIABLE,
    Source.FUNCTION: OfferKind.FUNCTION,
    Source.CONSTANT: OfferKind.CONSTANT,
}
_RANKS = {
    Source.COMPONENT: 10,
    Source.ARGUMENT: 11,
    Source.VARIABLE: 12,
    Source.CONSTANT: 20,
    Source.FUNCTION: 21,
}
_UNKNOWN_EXPORT, _DEFAULT, _LITERAL, _CONVERTED, _FAVOURITE, _FOLDER = 13, 14, 15, 16, 19, 22
_LIBRARY_CONVERTED, _LIBRARY_UNKNOWN, _ANY_LITERAL, _DEPRECATED, _BESIDE = 24, 26, 30, 40, 50
"""The order: the configuration's own names of the type, literals, what would be converted, the library."""

_DURATIONS = ("10s", "30s", "1m", "5m", "1h")
_RANK_OF_DURATIONS = 5
_TEXTS = wanted.StringType | wanted.TextType | wanted.SecretType | wanted.OptionalSecretType
_PLAIN = re.compile(r"[ !#-\[\]-~]+")
"""Texts that mean the same in JSON and in Alloy's strings."""


def value_offers(place: Place, sight: Sight) -> Iterator[Offer]:
    """What can be written at the beginning of an expression."""
    if place.rest:
        yield from _parts(place, sight, ())
        return
    yield from _literals(place)
    if wants_label(place) and isinstance(place.wanted, wanted.StringType):
        for offer in label_names(place, sight):
            text = f'"{offer.label}"'
            yield offer._replace(label=text, text=text)
    found = [offer for _, offer in _whole(_permitted(place, sight), place)]
    exact = _RANKS[Source.COMPONENT]
    single = [each for each in found if each.kind is OfferKind.REFERENCE and each.rank == exact]
    for each in found:
        yield each._replace(preselected=len(single) == 1 and each is single[0])
    yield from (_beside(name, offer) for name, offer in _whole(_neighbouring(sight), place))


def member_offers(place: Place, sight: Sight) -> Iterator[Offer]:
    """What can be written after a dot."""
    if place.path:
        yield from _parts(place, sight, place.path) if place.rest else _remainders(place, sight)


# Names


def _permitted(place: Place, sight: Sight) -> Iterator[Name]:
    gate: Gate = gate_of(place)
    for name in sight.names:
        if not name.experimental or gate.stability <= Stability.EXPERIMENTAL:
            yield name


def _neighbouring(sight: Sight) -> Iterator[Name]:
    """What other files of the directory declare, which the first reference joins to the configuration."""
    if sight.neighbours is not None:
        own = {name.text for name in sight.declared}
        yield from (name for name in sight.neighbours.declared if name.file and name.text not in own)


def _beside(name: Name, offer: Offer) -> Offer:
    return offer._replace(rank=_BESIDE, detail=f"{offer.detail}, in {PurePath(name.file).name}")


def _whole(names: Iterable[Name], place: Place) -> Iterator[tuple[Name, Offer]]:
    """Names whose values fit, whole; and lists of them where a list is wanted and they are its elements."""
    element = element_of(place.wanted) if isinstance(place.wanted, wanted.ListType) else None
    for name in names:
        if name.fits(place.wanted):
            yield name, _named(name, name.text, place)
        elif element is not None and name.shape.kind and name.fits(element):
            offer = _named(name, name.text, place)
            text = f"[{offer.text}]"
            snippet = f"[{offer.snippet}]" if offer.snippet else ""
            yield name, offer._replace(label=f"[{offer.label}]", text=text, snippet=snippet, commits="")


def _named(name: Name, text: str, place: Place) -> Offer:
    kind = _KINDS[name.source]
    topic = (
        Topic(name.of, name.chain[-1:]) if name.of else Topic(function=name.text) if name.function else None
    )
    offer = Offer(text, kind, text, _rank(name, place), _detail(name), topic=topic)
    if name.function is not None:
        called = _is_called(place)
        snippet = "" if called else f"{text}({'$1' if name.function.manual.takes else ''})"
        return offer._replace(snippet=snippet, deprecated=name.deprecated)
    return offer._replace(commits=",")


def _rank(name: Name, place: Place) -> int:
    if name.deprecated:
        return _DEPRECATED
    if name == MODULE_PATH:
        return _FOLDER
    rank = _RANKS[name.source]
    if place.wanted is None or name.source in {Source.ARGUMENT, Source.VARIABLE}:
        return rank
    if not name.shape.kind:
        return _UNKNOWN_EXPORT if name.source is Source.COMPONENT else _LIBRARY_UNKNOWN
    element = element_of(place.wanted)
    if name.is_of(place.wanted) or (element is not None and name.is_of(element)):
        return _FAVOURITE if name.text == "sys.env" else rank
    return _CONVERTED if name.source is Source.COMPONENT else _LIBRARY_CONVERTED


def _is_called(place: Place) -> bool:
    return place.document.data[place.stop : place.stop + 1] == b"("


def _detail(name: Name) -> str:
    from alloypy.schema.describe import type_text

    if name.function is not None:
        return f"({', '.join(name.function.manual.takes)}) -> {name.function.manual.gives}"
    if name.type is not None:
        return type_text(name.type)
    return name.shape.kind or name.source.value


def _remainders(place: Place, sight: Sight) -> Iterator[Offer]:
    """What can follow the names before the dot, to the end of each name."""
    yield from (offer for _, offer in _continued(_permitted(place, sight), place))
    yield from (_beside(name, offer) for name, offer in _continued(_neighbouring(sight), place))


def _continued(names: Iterable[Name], place: Place) -> Iterator[tuple[Name, Offer]]:
    size = len(place.path)
    called = _is_called(place)
    for name in names:
        if name.chain[:size] != place.path or len(name.chain) == size:
            continue
        if name.fits(place.wanted) and (name.function is not None or not called):
            yield name, _named(name, ".".join(name.chain[size:]), place)


def _parts(place: Place, sight: Sight, path: tuple[str, ...]) -> Iterator[Offer]:
    """Single names that what follows the cursor continues."""
    rest = tuple(place.rest[1:].split("."))
    size = len(path)
    known = [name for name in _permitted(place, sight) if name.chain[:size] == path]
    whole = [name for name in known if name.chain[size + 1 :][: len(rest)] == rest]
    fitting = [name for name in whole if name.fits(place.wanted)] or whole
    seen: set[str] = set()
    for name in fitting:
        part = name.chain[size] if len(name.chain) > size else ""
        if part and part not in seen:
            seen.add(part)
            kind = OfferKind.NAMESPACE if len(name.chain) > size + 1 else _KINDS[name.source]
            yield Offer(part, kind, part, _RANKS[name.source], name.text)


# Literals


def _literals(place: Place) -> Iterator[Offer]:
    """Values that the type itself allows."""
    type_ = place.wanted
    if type_ is None or isinstance(type_, wanted.BoolType | wanted.AnyType):
        for word in ("true", "false"):
            yield Offer(word, OfferKind.VALUE, word, 0 if type_ is not None else _ANY_LITERAL)
        return
    choices = choices_at(place)
    element = element_of(type_) if isinstance(type_, wanted.ListType) else None
    for text in choices:
        literal = f'"{text}"' if element is None else f'["{text}"]'
        yield Offer(literal, OfferKind.CHOICE, literal, 0)
    if choices:
        return
    default = _default(place)
    if default:
        rank = _RANK_OF_DURATIONS - 1 if isinstance(type_, wanted.DurationType) else _DEFAULT
        yield Offer(default, OfferKind.VALUE, default, rank, "default")
    if isinstance(type_, wanted.DurationType):
        for text in _DURATIONS:
            yield Offer(f'"{text}"', OfferKind.VALUE, f'"{text}"', _RANK_OF_DURATIONS)
    elif isinstance(type_, wanted.ListType):
        yield from _targets(place, element)
        yield Offer("[]", OfferKind.VALUE, "[]", _LITERAL, "list", "[$1]")
    elif isinstance(type_, wanted.MapType | wanted.ObjectType):
        yield Offer("{}", OfferKind.VALUE, "{}", _LITERAL, "object", "{$1}")
    elif isinstance(type_, _TEXTS):
        yield Offer('""', OfferKind.VALUE, '""', _LITERAL, "text", '"$1"')
    else:
        yield from _targets(place, type_)


def _targets(place: Place, type_: Type | None) -> Iterator[Offer]:
    """A target that is written out, or a list of one."""
    if not is_target(type_):
        return
    before, after = ("[", "]") if isinstance(place.wanted, wanted.ListType) else ("", "")
    first = f'{before}{{"{target_labels(place)[0]}" = "'
    last = f'"}}{after}'
    yield Offer(first + last, OfferKind.VALUE, first + last, _DEFAULT, "target", f"{first}$1{last}")


def _default(place: Place) -> str:
    """The default of the attribute whose whole value the place is; empty if there is none to be written."""
    member, statement = place.member, place.statement
    if not isinstance(member, AttributeSpec) or not isinstance(statement, Attribute):
        return ""
    value = default_of(member)
    if place.expression is not statement.value or isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return json.dumps(value)
    return json.dumps(value) if isinstance(value, str) and value and _PLAIN.fullmatch(value) else ""
