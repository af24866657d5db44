"""A configuration's text without its secrets, for the support bundle.

String literals of attributes that are declared secret become `"(secret)"`, expressions such as
`local.file.token.content` stay. Where nothing is declared (custom components) the attribute's name
decides. Credentials inside URLs go as well. Source: spec section 9.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alloypy.catalog.catalog import load_catalog
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.tree import Attribute, Block, File, Literal, Node, Statement

_HIDDEN = b'"(secret)"'
_TELLING_NAME = re.compile(r"pass(word|phrase)?|secret|token|credential|private|api_?key", re.IGNORECASE)
_URL_CREDENTIALS = re.compile(rb"(?<=://)[^/\s\"@]+@")


def redacted(file: File) -> bytes:
    """The text of `file` with `(secret)` in place of every secret literal, comments left out."""
    cuts = [(literal.start, literal.end + 1, _HIDDEN) for literal in _secret_literals(file.body)]
    cuts += [(c.start, c.end + 1, b"") for group in file.comments for c in group]
    text = file.source.data
    result, at = [], 0
    for start, end, replacement in sorted(cuts):
        result += [text[at:start], replacement]
        at = end
    result.append(text[at:])
    return _URL_CREDENTIALS.sub(b"(secret)@", b"".join(result))


def _secret_literals(statements: Sequence[Statement]) -> Iterator[Literal]:
    """The literals to hide in a body of component and config blocks."""
    for statement in statements:
        if isinstance(statement, Block):
            spec = _top_level_spec(statement.full_name)
            if spec is None:  # declare, template and custom components: their bodies may hold components
                yield from _literals_by_name(statement.body)
                yield from _secret_literals(statement.body)
            else:
                yield from _literals_by_spec(statement.body, spec)


def _top_level_spec(name: str) -> Spec | None:
    catalog = load_catalog()
    entry = catalog.component(name) or catalog.block(name)
    return entry.arguments if entry is not None else None


def _literals_by_spec(statements: Sequence[Statement], spec: Spec) -> Iterator[Literal]:
    for statement in statements:
        if isinstance(statement, Attribute):
            member = spec.lookup.get(statement.name.name)
            if not isinstance(member, AttributeSpec):
                yield from _literals_by_name([statement])
            elif member.secret:
                yield from _strings(statement.value)
            continue
        inner = spec.groups.get(statement.full_name) or spec.lookup.get(statement.full_name)
        if isinstance(inner, BlockSpec):
            yield from _literals_by_spec(statement.body, inner.body)
        else:
            yield from _secret_literals([statement])


def _literals_by_name(statements: Sequence[Statement]) -> Iterator[Literal]:
    for statement in statements:
        if isinstance(statement, Attribute) and _TELLING_NAME.search(statement.name.name):
            yield from _strings(statement.value)


def _strings(node: object) -> Iterator[Literal]:
    """Every string literal in an expression."""
    if isinstance(node, Literal):
        if node.kind == "STRING":
            yield node
    elif isinstance(node, Node):
        for cls in type(node).__mro__[:-2]:
            for slot in getattr(cls, "__slots__", ()):
                yield from _strings(getattr(node, slot))
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item)
