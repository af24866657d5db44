"""What is said about custom components: where they are declared, what they take and what they export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from alloypy.check.scope import last_literal, literal_flag
from alloypy.lang.evaluation.literals import LiteralError, literal_value
from alloypy.lang.secrecy import hide, names_secret
from alloypy.lsp.cursor.sight import Sight, arguments_of, exports_of
from alloypy.lsp.features.describing import code
from alloypy.lsp.workspace.project import Home
from alloypy.lsp.workspace.unit import Declared
from alloypy.schema.describe import type_text

_LONGEST_COMMENT = 4000
_LONGEST_DEFAULT = 80
_COMMENT = re.compile(rb"[ \t]*+//++[ \t]?(.*)")


def component(name: str, home: Home, sight: Sight) -> Iterator[str]:
    """A custom component, by the name of its blocks."""
    declare = home.declare
    if declare is None:
        yield f"**{name}**: custom component, {where(home.provider)}"
        return
    yield f"**{name}**: custom component, {where(declare)}"
    yield _comment(declare)
    spec = arguments_of(home)
    found = (
        [f"`{each.name}`" + ("" if each.required else " (optional)") for each in spec.members] if spec else []
    )
    yield f"Arguments: {', '.join(found)}" if found else ""
    yield exports("", home, sight)


def exports(prefix: str, home: Home, sight: Sight) -> str:
    """The exports of a custom component, each with its type; empty if there are none."""
    found = [_export(f"{prefix}{each.declaration.label}", each, sight) for each in exports_of(home)]
    if not prefix:
        return f"Exports: {', '.join(found)}" if found else ""
    return "\n".join(f"- {each}" for each in found)


def export(declared: Declared, sight: Sight) -> Iterator[str]:
    """An export of a custom component."""
    yield f"Export {_export(declared.declaration.label, declared, sight)}, {where(declared)}"
    yield _comment(declared)


def argument(declared: Declared) -> Iterator[str]:
    """An argument of a custom component, where it is given."""
    yield f"**{declared.declaration.label}**: argument, {_need(declared)}, {where(declared)}"
    yield said_about(declared)


def said_about(declared: Declared) -> str:
    """The `comment` of an argument, or else the comment above it."""
    block = declared.declaration.block
    given = last_literal(block.body, "comment", "STRING")
    try:
        return str(literal_value(given)) if given is not None else _comment(declared)
    except LiteralError:
        return ""


def where(declared: Declared) -> str:
    """The file and the line of a declaration."""
    document = declared.place.document
    line = document.source.line(declared.range.start)
    return f"declared in {PurePath(document.path).name}, line {line}"


def _export(name: str, declared: Declared, sight: Sight) -> str:
    type_ = sight.type_of_export(declared)
    return f"`{name}`" + (f" (`{type_text(type_)}`)" if type_ is not None else "")


def _need(declared: Declared) -> str:
    """Whether an argument must be given, and what it is otherwise."""
    if not literal_flag(declared.declaration.block, "optional"):
        return "required"
    given = (each.value for each in declared.declaration.attributes if each.name.name == "default")
    default = next(given, None)
    if default is None or names_secret(declared.declaration.label):
        return "optional"
    data = declared.place.section.source.data[default.start : default.end + 1]
    text = " ".join(data.decode("utf-8", "replace").split())
    text = hide(text, "url")
    return f"default {code(text if len(text) <= _LONGEST_DEFAULT else f'{text[:_LONGEST_DEFAULT]}...')}"


def _comment(declared: Declared) -> str:
    """The lines of comment directly above a block."""
    document = declared.place.document
    stop = declared.range.start
    lines = document.data[max(stop - _LONGEST_COMMENT, 0) : stop].split(b"\n")[:-1]
    found = []
    while lines and (comment := _COMMENT.fullmatch(lines.pop())) is not None:
        found.append(comment[1].rstrip(b" \t\r").decode("utf-8", "replace"))
    return "\n".join(each for each in reversed(found) if not each.startswith("alloypy:"))
