"""What the parser makes of each rule of the grammar: tree nodes, built while Lark parses.

A function has the name of its rule or alias in grammar/alloy.lark and takes the list of tokens and
nodes that the rule's right side produced.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from alloypy.syntax.letters import is_identifier
from alloypy.syntax.tokens import Token
from alloypy.syntax.tree import (
    Access,
    Array,
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    Field,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Unary,
)

Items = list[Any]


class InvalidLabelError(Exception):
    """A block label is not a double-quoted name; the diagnoser writes the message."""


def _append(items: Items) -> Items:
    items[0].append(items[-1])
    made: Items = items[0]
    return made


def _attribute(items: Items) -> Attribute:
    name: Token
    name, _, value = items
    return Attribute(name.start, value.end, Identifier(name.start, name.end - 1, name.text), value)


def _block(items: Items) -> Block:
    names: list[Token] = items[0]
    last = names[-1]
    label, label_start = "", None
    if len(items) == 5:
        quoted: Token = items[1]
        label, label_start = _label(quoted.text), quoted.start
    return Block(
        names[0].start,
        items[-1].start,
        tuple([name.text for name in names]),
        last.end - 1,
        label,
        label_start,
        items[-3].start,
        items[-2],
    )


def _label(quoted: str) -> str:
    """The label between the quotes; an empty one counts as no label."""
    label = quoted[1:-1]
    if quoted[0] != '"' or (label and not is_identifier(label)):
        raise InvalidLabelError
    return label


def _identifier(items: Items) -> Identifier:
    token: Token = items[0]
    return Identifier(token.start, token.end - 1, token.text)


def _literal(items: Items) -> Literal:
    token: Token = items[0]
    return Literal(token.start, token.end - 1, token.type, token.text)


def _binary(items: Items) -> Binary:
    left, operator, right = items
    return Binary(left.start, right.end, left, operator.text, operator.start, right)


def _unary(items: Items) -> Unary:
    operator, value = items
    return Unary(operator.start, value.end, operator.text, value)


def _access(items: Items) -> Access:
    value, _, name = items
    end = name.end - 1
    return Access(value.start, end, value, Identifier(name.start, end, name.text))


def _index(items: Items) -> Index:
    value, opener, index, closer = items
    return Index(value.start, closer.start, value, opener.start, index)


def _call(items: Items) -> Call:
    value, opener, args, closer = items
    return Call(value.start, closer.start, value, opener.start, args)


def _paren(items: Items) -> Paren:
    opener, inner, closer = items
    return Paren(opener.start, closer.start, inner)


def _array(items: Items) -> Array:
    opener, elements, closer = items
    return Array(opener.start, closer.start, elements)


def _object(items: Items) -> Object:
    opener, fields, closer = items
    return Object(opener.start, closer.start, fields)


def _field(items: Items) -> Field:
    name: Token
    value: Expression
    name, _, value = items
    if name.type == "STRING" and len(name.text) > 2:  # Alloy keeps the quotes of an empty name
        # The end is as if the name without quotes began at the opening quote.
        return Field(name.start, name.end - 3, name.text[1:-1], True, value)
    return Field(name.start, name.end - 1, name.text, False, value)


class TreeBuilder:
    """Lark's embedded transformer: the function for each rule or alias of the grammar."""

    file = lone_expression = items = staticmethod(itemgetter(0))
    first = empty_list = staticmethod(list[Any])
    append = staticmethod(_append)
    attribute = staticmethod(_attribute)
    block = staticmethod(_block)
    identifier = staticmethod(_identifier)
    literal = staticmethod(_literal)
    binary = staticmethod(_binary)
    unary = staticmethod(_unary)
    access = staticmethod(_access)
    index = staticmethod(_index)
    call = staticmethod(_call)
    paren = staticmethod(_paren)
    array = staticmethod(_array)
    object = staticmethod(_object)
    field = staticmethod(_field)
