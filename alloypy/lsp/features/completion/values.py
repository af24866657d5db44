"""Values: what an expression can name, and what its type allows."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.graph.admission import Gate
from alloypy.lang import types as wanted
from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import Name, Sight, Source
from alloypy.lsp.cursor.values import element_of
from alloypy.lsp.features.choices import choices_at
from alloypy.lsp.features.completion.offers import Offer, OfferKind, Topic
from alloypy.lsp.features.completion.settings import gate_of
from alloypy.lsp.features.completion.target_labels import label_names, wants_label
from alloypy.schema.spec import AttributeSpec
from alloypy.schema.stability import Stability

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
_UNKNOWN = 15
"""Added to the rank of a name of which nothing is known."""

_DURATIONS = ("10s", "30s", "1m", "5m", "1h")


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
    found = list(_names(place, sight))
    single = [each for each in found if each.kind is OfferKind.REFERENCE and each.rank < _UNKNOWN]
    for each in found:
        yield each._replace(preselected=len(single) == 1 and each is single[0])


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


def _names(place: Place, sight: Sight) -> Iterator[Offer]:
    """Names whose values fit, whole; and lists of them where a list is wanted and they are its elements."""
    element = element_of(place.wanted) if isinstance(place.wanted, wanted.ListType) else None
    for name in _permitted(place, sight):
        if name.fits(place.wanted):
            yield _named(name, name.text, place)
        elif element is not None and name.shape.kind and name.fits(element):
            offer = _named(name, name.text, place)
            text = f"[{offer.text}]"
            snippet = f"[{offer.snippet}]" if offer.snippet else ""
            yield offer._replace(label=f"[{offer.label}]", text=text, snippet=snippet, commits="")


def _named(name: Name, text: str, place: Place) -> Offer:
    rank = _RANKS[name.source] + (_UNKNOWN if not name.shape.kind and place.wanted is not None else 0)
    kind = _KINDS[name.source]
    topic = (
        Topic(name.of, name.chain[-1:]) if name.of else Topic(function=name.text) if name.function else None
    )
    offer = Offer(text, kind, text, 40 if name.deprecated else rank, _detail(name), topic=topic)
    if name.function is not None:
        called = _is_called(place)
        snippet = "" if called else f"{text}({'$1' if name.function.manual.takes else ''})"
        return offer._replace(snippet=snippet, deprecated=name.deprecated)
    return offer._replace(commits=",")


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
    size = len(place.path)
    called = _is_called(place)
    for name in _permitted(place, sight):
        if name.chain[:size] != place.path or len(name.chain) == size:
            continue
        if name.fits(place.wanted) and (name.function is not None or not called):
            yield _named(name, ".".join(name.chain[size:]), place)


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
            yield Offer(word, OfferKind.VALUE, word, 0 if type_ is not None else 30)
        return
    choices = choices_at(place)
    element = element_of(type_) if isinstance(type_, wanted.ListType) else None
    for text in choices:
        literal = f'"{text}"' if element is None else f'["{text}"]'
        yield Offer(literal, OfferKind.CHOICE, literal, 0)
    if choices:
        return
    if isinstance(type_, wanted.DurationType):
        yield from (Offer(f'"{each}"', OfferKind.VALUE, f'"{each}"', 5) for each in _durations(place))
    elif isinstance(type_, wanted.ListType):
        yield Offer("[]", OfferKind.VALUE, "[]", 30, "list", "[$1]")
    elif isinstance(type_, wanted.MapType | wanted.ObjectType):
        yield Offer("{}", OfferKind.VALUE, "{}", 30, "object", "{$1}")
    elif isinstance(type_, wanted.StringType | wanted.SecretType | wanted.OptionalSecretType):
        yield Offer('""', OfferKind.VALUE, '""', 30, "text", '"$1"')


def _durations(place: Place) -> list[str]:
    member = place.member
    default = member.default if isinstance(member, AttributeSpec) else None
    known = [default] if isinstance(default, str) and default else []
    return list(dict.fromkeys([*known, *_DURATIONS]))
