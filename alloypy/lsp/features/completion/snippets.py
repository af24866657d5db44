"""Texts with placeholders, in the notation of the protocol: what has to be given, ready to be filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.lsp.cursor.values import plain
from alloypy.schema.describe import accepted_values
from alloypy.schema.spec import AttributeSpec, Missing, Spec

_SPECIAL = re.compile(r"[\\$}]")
_IN_CHOICE = re.compile(r"[\\$},|]")
_DEEPEST = 4
"""Levels of required blocks that are written out."""


Only = Callable[[Type], str]
"""Returns the one reference whose value is of a type; "" if there is none, or more than one."""


class Writer:
    """Writes a text with numbered placeholders."""

    def __init__(self, only: Only) -> None:
        self._only = only
        self._number = 0

    def hole(self, default: str = "") -> str:
        """The next placeholder."""
        self._number += 1
        return f"${{{self._number}:{_escaped(default)}}}" if default else f"${self._number}"

    def choice(self, values: Sequence[str]) -> str:
        """A placeholder with values to choose from; the first is the default."""
        self._number += 1
        escaped = (_IN_CHOICE.sub(r"\\\g<0>", value) for value in values)
        return f"${{{self._number}|{','.join(escaped)}|}}"

    def value(self, member: AttributeSpec) -> str:
        """A value of an attribute."""
        return self.of_type(member.type, None if isinstance(member.default, Missing) else member.default)

    def of_type(self, type_: Type | None, default: Any = None) -> str:
        """A value of a type."""
        inner = plain(type_)
        match inner:
            case wanted.BoolType():
                return self.choice(("false", "true") if default is True else ("true", "false"))
            case wanted.ListType():
                whole = self._reference(inner)
                return self.hole(whole) if whole else f"[{self.hole(self._reference(inner.element))}]"
            case wanted.MapType() | wanted.ObjectType():
                return f"{{{self.hole()}}}"
            case wanted.IntType() | wanted.FloatType():
                number = isinstance(default, int | float) and not isinstance(default, bool)
                return self.hole(json.dumps(default) if number else "")
            case wanted.CapsuleType():
                return self.hole(self._reference(inner))
            case wanted.AnyType() | None:
                return self.hole()
        choices = [each for each in accepted_values(inner) if each]
        if choices:
            first = [default] if default in choices else []
            return f'"{self.choice([*first, *(each for each in choices if each not in first)])}"'
        return f'"{self.hole(default if isinstance(default, str) and default.isprintable() else "")}"'

    def _reference(self, type_: Type) -> str:
        """The only reference that fits, if nothing else can: of receivers and targets, single or in lists."""
        element = plain(type_.element if isinstance(type_, wanted.ListType) else type_)
        return self._only(type_) if isinstance(element, wanted.CapsuleType) else ""

    def required(self, spec: Spec, depth: int = 0, indent: str = "\t") -> str:
        """What must be given in a body, as lines that each begin with their indentation."""
        attributes = [each for each in spec.required if isinstance(each, AttributeSpec)]
        width = max((len(each.name) for each in attributes), default=0)
        lines = [f"{indent}{each.name:<{width}} = {self.value(each)}\n" for each in attributes]
        for each in spec.required:
            if not isinstance(each, AttributeSpec):
                gap = "\n" if lines else ""
                lines.append(f"{gap}{indent}{each.name} {self.body(each.body, depth + 1, indent)}\n")
        return "".join(lines)

    def body(self, spec: Spec | None, depth: int = 0, indent: str = "", *, end: bool = False) -> str:
        """A label, if there must be one, and a body in braces. end: whether the cursor may end inside."""
        label = f'"{self.hole("label")}" ' if spec is not None and spec.takes_label else ""
        inside = ""
        if spec is not None and depth < _DEEPEST:
            inside = self.required(spec, depth, f"{indent}\t")
        if end or not inside:
            inside += f"{indent}\t{'$0' if end else self.hole()}\n"
        return f"{label}{{\n{inside}{indent}}}"


def attribute_snippet(member: AttributeSpec, only: Only) -> str:
    """`name = value`."""
    return f"{member.name} = {Writer(only).value(member)}"


def block_snippet(
    name: str, spec: Spec | None, only: Only, *, labelled: bool = False, label: str = "default"
) -> str:
    """A block with its required settings. labelled: whether it has a label of its own, like a component."""
    writer = Writer(only)
    written = f'"{writer.hole(label)}" ' if labelled else ""
    return f"{name} {written}{writer.body(spec, end=True)}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
