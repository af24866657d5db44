"""Tokens, trees and diagnostics as JSON values, for tools and for comparing with Alloy.

Positions are `[line, column]`, columns in bytes from 1; a range is `[start, end]`, its end
inclusive. Text that is not valid UTF-8 is `{"b64": ...}`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, TypeAlias

from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.lexer import scan
from alloypy.syntax.parser import parse_file
from alloypy.syntax.render import render
from alloypy.syntax.source import Source
from alloypy.syntax.tokens import OPERATORS, SPELLING
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Comment,
    Expression,
    Field,
    Identifier,
    Index,
    Literal,
    Node,
    Object,
    Paren,
    Statement,
    Unary,
)

Json: TypeAlias = "dict[str, Any]"

_WITHOUT_TEXT = frozenset((*OPERATORS.values(), "EOF"))


def tokens_answer(source: Source) -> Json:
    """`tokens`: line, column, offset, name and text of each, comments included; `errors`, if any."""
    scanned = scan(source)
    found: list[tuple[int, int, str, str]] = []  # offset, order at the same offset, name, text
    for token in scanned.tokens:
        order = 0 if token.type == "TERMINATOR" else 2
        text = "" if token.type in _WITHOUT_TEXT else token.text
        found.append((token.start, order, SPELLING[token.type], text))
    for group in scanned.comments:
        found += [(comment.start, 1, "COMMENT", comment.text) for comment in group]
    found.sort(key=lambda entry: entry[:2])
    answer: Json = {
        "tokens": [
            [*source.position(offset), offset, name, text_json(text)] for offset, _, name, text in found
        ]
    }
    if scanned.errors:
        answer["errors"] = [
            [*source.position(error.offset), text_json(error.message)] for error in scanned.errors
        ]
    return answer


def tree_answer(source: Source) -> Json:
    """`ast`: the tree of the file with its comments; or `diags`."""
    try:
        file = parse_file(source)
    except DiagnosticsError as error:
        return {"diags": diagnostics_json(error.diagnostics)}
    return {
        "ast": {
            "kind": "File",
            "body": _body(source, file.body),
            "comments": [_comments(source, group) for group in file.comments],
        }
    }


def diagnostics_answer(source: Source) -> Json:
    """`diags` and the `text` Alloy prints for them; or `ok`."""
    try:
        parse_file(source)
    except DiagnosticsError as error:
        return {
            "diags": diagnostics_json(error.diagnostics),
            "text": text_json(render(error.diagnostics)),
        }
    return {"ok": True}


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> list[Json]:
    """`severity`, `start`, `end`, `message` of each, and `value` if it has one."""
    return [_diagnostic(diagnostic) for diagnostic in diagnostics]


def expression_json(source: Source, expression: Expression) -> Json:
    """The tree of one expression parsed from the source."""
    answer: Json = _KINDS[type(expression)](source, expression)
    return answer


def _diagnostic(diagnostic: Diagnostic) -> Json:
    span = diagnostic.span
    end = None if span is None else span.end_position
    entry: Json = {
        "severity": diagnostic.severity.value,
        "start": None if span is None else list(span.start_position),
        "end": None if end is None else list(end),
        "message": text_json(diagnostic.message),
    }
    if diagnostic.value:
        entry["value"] = text_json(diagnostic.value)
    return entry


def text_json(text: str) -> str | Json:
    """A text, or its bytes in base64 if they are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return {"b64": base64.b64encode(text.encode(errors="surrogateescape")).decode()}
    return text


def _comments(source: Source, group: list[Comment]) -> list[Any]:
    return [[list(source.position(comment.start)), text_json(comment.text)] for comment in group]


def _node(source: Source, node: Node, **parts: Any) -> Json:
    where = [list(source.position(node.start)), list(source.position(node.end))]
    return {"kind": type(node).__name__, "range": where, **parts}


# Statements


def _body(source: Source, body: list[Statement]) -> list[Json]:
    return [
        _attribute(source, statement) if isinstance(statement, Attribute) else _block(source, statement)
        for statement in body
    ]


def _attribute(source: Source, node: Attribute) -> Json:
    return _node(source, node, name=node.name.name, value=expression_json(source, node.value))


def _block(source: Source, node: Block) -> Json:
    entry = _node(
        source,
        node,
        name=list(node.name),
        label=node.label,
        lcurly=list(source.position(node.lcurly)),
        body=_body(source, node.body),
    )
    if node.label_start is not None:
        entry["label_pos"] = list(source.position(node.label_start))
    return entry


# Expressions


def _identifier(source: Source, node: Identifier) -> Json:
    return _node(source, node, name=node.name)


def _literal(source: Source, node: Literal) -> Json:
    return _node(source, node, token=node.kind, text=node.text)


def _array(source: Source, node: Array) -> Json:
    return _node(source, node, elements=[expression_json(source, element) for element in node.elements])


def _object(source: Source, node: Object) -> Json:
    return _node(source, node, fields=[_field(source, field) for field in node.fields])


def _field(source: Source, field: Field) -> Json:
    return {
        "name": field.name,
        "name_pos": list(source.position(field.start)),
        "quoted": field.quoted,
        "value": expression_json(source, field.value),
    }


def _access(source: Source, node: Access) -> Json:
    return _node(source, node, value=expression_json(source, node.value), name=node.name.name)


def _index(source: Source, node: Index) -> Json:
    value, index = expression_json(source, node.value), expression_json(source, node.index)
    return _node(source, node, value=value, index=index)


def _call(source: Source, node: Call) -> Json:
    args = [expression_json(source, arg) for arg in node.args]
    return _node(source, node, value=expression_json(source, node.value), args=args)


def _unary(source: Source, node: Unary) -> Json:
    return _node(source, node, op=node.op, value=expression_json(source, node.value))


def _binary(source: Source, node: Binary) -> Json:
    return _node(
        source,
        node,
        op=node.op,
        op_pos=list(source.position(node.op_start)),
        left=expression_json(source, node.left),
        right=expression_json(source, node.right),
    )


def _paren(source: Source, node: Paren) -> Json:
    return _node(source, node, inner=expression_json(source, node.inner))


_KINDS: dict[type[Node], Any] = {
    Identifier: _identifier,
    Literal: _literal,
    Array: _array,
    Object: _object,
    Access: _access,
    Index: _index,
    Call: _call,
    Unary: _unary,
    Binary: _binary,
    Paren: _paren,
}
