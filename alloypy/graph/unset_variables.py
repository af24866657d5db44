"""Environment variables that are not set, where nobody would notice the empty value.

An empty text in place of a number, a boolean or a choice is an error. A URL, a credential or a label
accepts it silently.
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
    """A variable that is not set. setting: the setting that uses it: `url`, `external_labels.host`."""

    variable: str
    setting: str
    span: Span


def environment_variable(node: Call) -> str | None:
    """The environment variable that a call reads, if it names it by a literal; else None."""
    if _names(node.value) not in _READERS or len(node.args) != 1:
        return None
    argument = node.args[0]
    if isinstance(argument, Literal) and argument.kind == "STRING":
        return string_value(argument.text)
    return None


def unset_variables(
    blocks: Iterable[tuple[Sequence[Statement], Source]], environ: Mapping[str, str]
) -> Iterator[Unset]:
    """The unset variables that the bodies use in a URL, a credential or a label. Empty counts as not set."""
    for body, source in blocks:
        for setting, value in _settings(body):
            for call, variable in _read(value):
                if not environ.get(variable):
                    yield Unset(variable, setting, Span(source, call.start, call.end))


def _settings(body: Sequence[Statement]) -> Iterator[tuple[str, Expression]]:
    """The values that could be empty unnoticed, with their names."""
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
    """The variables that become part of a value: not those it is compared with, or has a default for."""
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
    """The names of an expression of names and dots only; empty for any other."""
    names: list[str] = []
    while isinstance(node, Access):
        names.append(node.name.name)
        node = node.value
    return [node.name, *reversed(names)] if isinstance(node, Identifier) else []
