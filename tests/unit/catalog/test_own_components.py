"""What alloypy's components declare is what the catalog says of Alloy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.components.registry import REGISTRY
from alloypy.lang import types as wanted
from alloypy.lang.conversion import convert, zero
from alloypy.lang.types import Type
from alloypy.runtime.contract.component import Registration
from alloypy.schema.check import type_word
from alloypy.schema.derive import spec_of
from alloypy.schema.describe import accepted_values
from alloypy.schema.spec import AttributeSpec, BlockSpec, Missing, Spec

OF_ALLOY = [each for name, each in REGISTRY.items() if not name.startswith("alloypy.")]
"""The components that Alloy has, too."""

ONLY_ALLOYPY: dict[str, set[str]] = {
    "pyroscope.receive_http": {"forward_headers", "max_body_size", "max_bytes_in_flight"},
}
"""Settings that alloypy has beyond Alloy, by component."""

WORDED_OTHERWISE = {
    f"{path}authorization/type: default 'Bearer' is not ''" for path in ("", "client/", "endpoint/")
}
"""Alloy sets this default when it checks the block; alloypy declares it."""


def element(type_: Type) -> Type | None:
    inner = bare(type_)
    return inner.element if isinstance(inner, wanted.ListType | wanted.MapType) else None


def bare(type_: Type) -> Type:
    return type_.inner if isinstance(type_, wanted.NullableType) else type_


def same_type(own: Type, theirs: Type) -> bool:
    own_element, their_element = element(own), element(theirs)
    if own_element is not None and their_element is not None:
        return type(bare(own)) is type(bare(theirs)) and same_type(own_element, their_element)
    words = type_word(own), type_word(theirs)
    if words == ("object", "capsule"):  # targets are objects here
        return True
    kinds = [set(filter(None, accepted_values(t))) for t in (own, theirs)]
    return words[0] == words[1] and (not kinds[0] or not kinds[1] or kinds[0] == kinds[1])


def plain_default(attribute: AttributeSpec) -> Any:
    """The default in a form in which both sides can be compared: text as text, lists as lists."""
    inner, value = bare(attribute.type), attribute.default
    if isinstance(value, Missing) or value is None:
        value = zero(inner)
    if isinstance(inner, wanted.TextType):
        return value if isinstance(value, str) else inner.format(value)
    if isinstance(value, str | list | dict) and not isinstance(inner, wanted.StringType):
        value = convert(value, inner)
    return list(value) if isinstance(value, tuple) else value


def differences(own: Spec, theirs: Spec, path: str) -> Iterator[str]:
    names = [member.name for member in own.members], [member.name for member in theirs.members]
    for name in sorted({*names[0]} ^ {*names[1]}):
        where = "alloypy" if name in names[0] else "Alloy"
        yield f"{path}{name}: only in {where}"
    mine = {member.name: member for member in own.members}
    for member in theirs.members:
        other = mine.get(member.name)
        if other is not None:
            yield from member_differences(other, member, f"{path}{member.name}")
    if own.takes_label != theirs.takes_label:
        yield f"{path}: label"


def member_differences(
    own: AttributeSpec | BlockSpec, theirs: AttributeSpec | BlockSpec, path: str
) -> Iterator[str]:
    if own.required != theirs.required:
        yield f"{path}: required is {own.required}"
    if isinstance(own, AttributeSpec) and isinstance(theirs, AttributeSpec):
        if not same_type(own.type, theirs.type):
            yield f"{path}: {own.type} is not {theirs.type}"
        elif not own.required and plain_default(own) != plain_default(theirs):
            yield f"{path}: default {plain_default(own)!r} is not {plain_default(theirs)!r}"
        if own.secret != theirs.secret:
            yield f"{path}: secret"
    elif isinstance(own, BlockSpec) and isinstance(theirs, BlockSpec):
        if own.repeated != theirs.repeated:
            yield f"{path}: repeated"
        yield from differences(own.body, theirs.body, f"{path}/")
    else:
        yield f"{path}: attribute and block"


@pytest.mark.parametrize("registration", OF_ALLOY, ids=lambda r: r.name)
def test_declared_arguments_are_those_of_the_catalog(registration: Registration) -> None:
    entry = load_catalog().component(registration.name)
    assert entry is not None
    found = set(differences(spec_of(registration.arguments), entry.arguments, ""))
    assert found - WORDED_OTHERWISE == {
        f"{name}: only in alloypy" for name in ONLY_ALLOYPY.get(registration.name, set())
    }


@pytest.mark.parametrize("registration", OF_ALLOY, ids=lambda r: r.name)
def test_declared_exports_are_those_of_the_catalog(registration: Registration) -> None:
    entry = load_catalog().component(registration.name)
    assert entry is not None
    if entry.exports is None:
        assert registration.exports is None
    else:
        assert registration.exports is not None
        assert list(differences(spec_of(registration.exports), entry.exports, "")) == []
