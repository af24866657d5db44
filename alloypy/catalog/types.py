"""Type notations of the catalog as wanted types.

Source: the notation table in `alloypy.catalog`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alloypy.lang import types as wanted
from alloypy.lang.targets import Target
from alloypy.lang.types import Type
from alloypy.lang.values import Capsule
from alloypy.schema.choices import Choice
from alloypy.schema.spec import AttributeSpec

_PLAIN: dict[str, Type] = {
    "string": wanted.StringType(),
    "bool": wanted.BoolType(),
    "int": wanted.IntType(),
    "uint": wanted.IntType(64, False),
    "float64": wanted.FloatType(),
    "float32": wanted.FloatType(),
    "duration": wanted.DurationType(),
    "secret": wanted.SecretType(),
    "optional_secret": wanted.OptionalSecretType(),
    "any": wanted.AnyType(),
    **{f"int{bits}": wanted.IntType(bits) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": wanted.IntType(bits, False) for bits in (8, 16, 32, 64)},
}


def _parse_source(text: str) -> str:
    if not text:
        raise ValueError("source cannot be empty")
    return text


def _parse_regexp(text: str) -> Any:
    from alloypy.lang.go.regexp import read_regexp

    return read_regexp(text)


def _parse_url(text: str) -> Any:
    from alloypy.lang.go.url import parse_url

    return parse_url(text)


def _parse_size(text: str) -> int:
    from alloypy.lang.go.units import parse_size

    return parse_size(text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "config.URL": _parse_url,
    "relabel.Regexp": _parse_regexp,
    "stages.Source": _parse_source,
    "stages.Template": str,  # Go's text/template: its own language, left to the component
    "units.Base2Bytes": _parse_size,
}


_OWN_CAPSULES: Mapping[str, type[Capsule]] = {Target.kind: Target}
"""Capsules whose conversions are known here; the others are known only from the catalog."""


class TypeReader:
    """Reads notations. `entry` returns the line of a named type, `attributes` the attributes of its body."""

    def __init__(
        self,
        entry: Callable[[str], Mapping[str, Any]],
        attributes: Callable[[Any], tuple[AttributeSpec, ...]],
    ) -> None:
        self._entry = entry
        self._attributes = attributes
        self._known: dict[str, Type] = dict(_PLAIN)

    def read(self, notation: str) -> Type:
        """The wanted type for a notation. Raises KeyError for an unknown one."""
        known = self._known.get(notation)
        if known is None:
            known = self._known[notation] = self._compose(notation)
        return known

    def _compose(self, notation: str) -> Type:
        if notation.endswith("?"):
            return wanted.NullableType(self.read(notation[:-1]))
        if notation.startswith("list(") and notation.endswith(")"):
            return wanted.ListType(self.read(notation[5:-1]))
        if notation.startswith("map(") and notation.endswith(")"):
            return wanted.MapType(self.read(notation[4:-1]))
        if notation.startswith("@"):
            return self._named(notation[1:])
        raise KeyError(notation)

    def _named(self, name: str) -> Type:
        entry = self._entry(name)
        if entry["alloy"] == "capsule":
            return wanted.CapsuleType(self._capsule(name, entry))
        if entry["alloy"] == "object":
            fields = (wanted.ObjectField(a.name, a.type, a.required) for a in self._attributes(entry["body"]))
            return wanted.ObjectType(tuple(fields))
        empty: Any = 0 if name == "units.Base2Bytes" else ""
        return wanted.TextType(name, _parser(name, entry), empty, null_error=entry.get("null_error", ""))

    def _capsule(self, name: str, entry: Mapping[str, Any]) -> type[Capsule]:
        own = _OWN_CAPSULES.get(name)
        if own is not None:
            return own
        form = self.read(entry["elem"]) if "elem" in entry else entry["kind"]
        return type(name, (Capsule,), {"__slots__": (), "kind": name, "literal_form": form})


def _parser(name: str, entry: Mapping[str, Any]) -> Callable[[str], Any]:
    if "values" not in entry:
        return _PARSERS[name]
    return Choice(
        tuple(entry["values"]),
        entry["error"],
        any_case=entry.get("case_insensitive", False),
        lower_error=entry.get("error_lowercases", False),
    )
