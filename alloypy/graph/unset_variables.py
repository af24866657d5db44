"""Environment variables that are not set, and whose emptiness nobody would notice.

Where a number, a boolean or a choice is wanted an empty text is refused. A URL, a login or a label
takes it without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from alloypy.graph.references import inner_expressions
from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.secrecy import names_secret
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import (
    Access,
    Binary,
    Block,
    Call,
    Expression,
    Identifier,
    Literal,
    Object,
    Paren,
    Statement,
)

_LABELS = frozenset({"external_labels", "labels", "static_labels", "headers", "http_headers"})
_URLS = ("url", "urls", "uri")
_LOGINS = frozenset({"username", "client_id", "user"})
_READERS = (["env"], ["sys", "env"])


class Unset(NamedTuple):
    """A variable that is not set. setting: what it ends in, such as `url` or `external_labels.host`."""

    variable: str
    setting: str
    span: Span


def environment_variable(node: Call) -> str | None:
    """The environment variable that a call asks for by a literal; None for any other call."""
    if _names(node.value) not in _READERS or len(node.args) != 1:
        return None
    argument = node.args[0]
    if isinstance(argument, Literal) and argument.kind == "STRING":
        return string_value(argument.text)
    return None


def unset_variables(
    blocks: Iterable[tuple[Sequence[Statement], Source]], environ: Mapping[str, str]
) -> Iterator[Unset]:
    """Those in the bodies of blocks that end in a URL, a login or a label. An empty one counts as not set."""
    for body, source in blocks:
        for setting, value in _settings(body):
            for call, variable in _read(value):
                if not environ.get(variable):
                    yield Unset(variable, setting, Span(source, call.start, call.end))


def _settings(body: Sequence[Statement]) -> Iterator[tuple[str, Expression]]:
    """The values that may be empty without anybody's notice, under their names."""
    for statement in body:
        if isinstance(statement, Block):
            yield from _settings(statement.body)
            continue
        name, value = statement.name.name, statement.value
        if name in _LABELS and isinstance(value, Object):
            for field in value.fields:
                yield f"{name}.{field.name}", field.value
        elif name in _LOGINS or name.endswith(_URLS) or names_secret(name):
            yield name, value


def _read(node: Expression) -> Iterator[tuple[Call, str]]:
    """The variables that become part of a value: not those that it is compared with, or can do without."""
    match node:
        case Call():
            variable = environment_variable(node)
            if variable is not None:
                yield node, variable
            elif _names(node.value)[-1:] != ["coalesce"]:
                for argument in node.args:
                    yield from _read(argument)
        case Binary(op="+") | Paren():
            for inner in inner_expressions(node):
                yield from _read(inner)


def _names(node: Expression) -> list[str]:
    """The names of an expression that is nothing but names and dots; else none."""
    names: list[str] = []
    while isinstance(node, Access):
        names.append(node.name.name)
        node = node.value
    return [node.name, *reversed(names)] if isinstance(node, Identifier) else []
