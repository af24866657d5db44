"""What the parser makes of each rule of the grammar: tree nodes, built while Lark parses.

A function has the name of its rule or alias in grammar/alloy.lark and takes the list of tokens and
nodes that the rule's right side produced.
"""

from __future__ import annotations

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
    Statement,
    Unary,
)

Items = list[Any]


class InvalidLabelError(Exception):
    """A block label is not a double-quoted name; the diagnoser writes the message."""


class TreeBuilder:
    """The function for each rule or alias of the grammar."""

    @staticmethod
    def file(items: Items) -> list[Statement]:
        statements: list[Statement] = items[0]
        return statements

    @staticmethod
    def lone_expression(items: Items) -> Expression:
        expression: Expression = items[0]
        return expression

    @staticmethod
    def items(items: Items) -> Items:
        made: Items = items[0]
        return made

    @staticmethod
    def empty_list(items: Items) -> Items:
        return items

    @staticmethod
    def first(items: Items) -> Items:
        return items

    @staticmethod
    def append(items: Items) -> Items:
        made: Items = items[0]
        made.append(items[-1])
        return made

    @staticmethod
    def attribute(items: Items) -> Attribute:
        name: Token
        name, _, value = items
        return Attribute(name.start, value.end, Identifier(name.start, name.end - 1, name.text), value)

    @staticmethod
    def block(items: Items) -> Block:
        names: list[Token] = items[0]
        opener: Token = items[-3]
        closer: Token = items[-1]
        label, label_start = "", None
        if len(items) == 5:
            quoted: Token = items[1]
            label, label_start = _label(quoted.text), quoted.start
        return Block(
            names[0].start,
            closer.start,
            tuple([name.text for name in names]),
            names[-1].end - 1,
            label,
            label_start,
            opener.start,
            items[-2],
        )

    @staticmethod
    def identifier(items: Items) -> Identifier:
        token: Token = items[0]
        return Identifier(token.start, token.end - 1, token.text)

    @staticmethod
    def literal(items: Items) -> Literal:
        token: Token = items[0]
        return Literal(token.start, token.end - 1, token.type, token.text)

    @staticmethod
    def binary(items: Items) -> Binary:
        operator: Token
        left, operator, right = items
        return Binary(left.start, right.end, left, operator.text, operator.start, right)

    @staticmethod
    def unary(items: Items) -> Unary:
        operator: Token
        operator, value = items
        return Unary(operator.start, value.end, operator.text, value)

    @staticmethod
    def access(items: Items) -> Access:
        name: Token
        value, _, name = items
        end = name.end - 1
        return Access(value.start, end, value, Identifier(name.start, end, name.text))

    @staticmethod
    def index(items: Items) -> Index:
        value, opener, index, closer = items
        return Index(value.start, closer.start, value, opener.start, index)

    @staticmethod
    def call(items: Items) -> Call:
        value, opener, args, closer = items
        return Call(value.start, closer.start, value, opener.start, args)

    @staticmethod
    def paren(items: Items) -> Paren:
        opener, inner, closer = items
        return Paren(opener.start, closer.start, inner)

    @staticmethod
    def array(items: Items) -> Array:
        opener, elements, closer = items
        return Array(opener.start, closer.start, elements)

    @staticmethod
    def object(items: Items) -> Object:
        opener, fields, closer = items
        return Object(opener.start, closer.start, fields)

    @staticmethod
    def field(items: Items) -> Field:
        name: Token
        name, _, value = items
        if name.type == "STRING" and len(name.text) > 2:  # Alloy keeps the quotes of an empty name
            # The end is as if the name without quotes began at the opening quote.
            return Field(name.start, name.end - 3, name.text[1:-1], True, value)
        return Field(name.start, name.end - 1, name.text, False, value)


def _label(quoted: str) -> str:
    """The label between the quotes; an empty one counts as no label."""
    label = quoted[1:-1]
    if quoted[0] != '"' or (label and not is_identifier(label)):
        raise InvalidLabelError
    return label
