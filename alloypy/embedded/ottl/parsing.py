"""From OTTL texts to nodes, by grammar/ottl.lark.

What the grammar leaves to the functions here: that conditions, calculations and other values stand where they
may, that a statement begins with an editor and uses converters otherwise, and what numbers and strings mean.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeAlias

from alloypy.embedded.language import Language
from alloypy.embedded.ottl.tokens import UnjudgedError, in_doubtful_key, tokens
from alloypy.embedded.ottl.tree import (
    Argument,
    Calculation,
    Call,
    Comparison,
    Enum,
    Group,
    ListValue,
    Literal,
    Logical,
    MapValue,
    Node,
    Path,
    Segment,
    Statement,
)
from alloypy.lang.text_error import TextError

_Parts: TypeAlias = "list[Any]"
_Key: TypeAlias = "tuple[Node, int, int]"

_ESCAPE = re.compile(
    r"\\(?:(?P<letter>[abfnrtv\\\"])|x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})"
    r"|(?P<octal>[0-7]{3})|(?P<wrong>.))",
    re.DOTALL,
)
_LETTERS = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))
_NAMES = {
    "FUNCTION": "a function",
    "FUNCTION_NAME": "the name of a function",
    "PARAMETER": "a named argument",
    "NAME": "a path",
    "ENUM": "a constant",
    "STRING": "a string",
    "INT": "a number",
    "FLOAT": "a number",
    "BYTES": "bytes",
    "BOOL": "`true` or `false`",
    "NIL": "`nil`",
    "WHERE": "`where`",
    "OR": "`or`",
    "AND": "`and`",
    "NOT": "`not`",
    "COMPARE": "a comparison",
    "ADD": "`+`",
    "MULTIPLY": "`*`",
    "LPAREN": "`(`",
    "RPAREN": "`)`",
    "LBRACK": "`[`",
    "RBRACK": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "COMMA": "`,`",
    "DOT": "`.`",
    "COLON": "`:`",
    "EQUAL": "`=`",
}
_MOST = 2**63 - 1


def parse_statement(text: str) -> Statement:
    """A statement: an editor's call, perhaps with a condition. Raises TextError, UnjudgedError."""
    parsed: Statement = _parse(text, "statement")
    return parsed


def parse_condition(text: str) -> Node:
    """A condition. Raises TextError, UnjudgedError."""
    parsed: Node = _parse(text, "condition")
    return parsed


def parse_value(text: str) -> Node:
    """A value. Raises TextError, UnjudgedError."""
    parsed: Node = _parse(text, "value")
    return parsed


def _parse(text: str, start: str) -> Any:
    made = tokens(text)
    try:
        return _language().parse(text, start, iter(made))
    except TextError as error:
        if in_doubtful_key(made, error.start):
            raise UnjudgedError from None
        raise


@cache
def _language() -> Language:
    return Language("ottl", Builder(), _NAMES)


class Builder:
    """Makes the nodes: a method for every rule or alias of the grammar."""

    def unconditional(self, parts: _Parts) -> Statement:
        return Statement(_editor(parts[0]), None)

    def conditional(self, parts: _Parts) -> Statement:
        return Statement(_editor(parts[0]), parts[2])

    def condition(self, parts: _Parts) -> Node:
        return _condition(parts[0])

    def any_of(self, parts: _Parts) -> Logical:
        return _joined(parts, "or")

    def all_of(self, parts: _Parts) -> Logical:
        return _joined(parts, "and")

    def negated(self, parts: _Parts) -> Logical:
        inner = _condition(parts[1])
        return Logical((inner,), "not", parts[0].start, inner.end)

    def compared(self, parts: _Parts) -> Comparison:
        left, right = _value(parts[0]), _value(parts[2])
        return Comparison(left, right, left.start, right.end)

    def value(self, parts: _Parts) -> Node:
        return _value(parts[0])

    def calculation(self, parts: _Parts) -> Calculation:
        left, right = _number(parts[0]), _number(parts[2])
        first = left.parts if isinstance(left, Calculation) and not left.sign else (left,)
        return Calculation((*first, right), "", left.start, right.end)

    def signed(self, parts: _Parts) -> Calculation:
        inner = _number(parts[1])
        return Calculation((inner,), parts[0].text, parts[0].start, inner.end)

    def number(self, parts: _Parts) -> Literal:
        (token,) = parts
        if token.type == "FLOAT":
            value = float(token.text)
            if value == float("inf"):
                raise TextError("this number is too large", token.start, token.end)
            return Literal("float", value, token.start, token.end)
        if len(token.text) > len(str(_MOST)) and token.text.lstrip("0") != token.text[-19:].lstrip("0"):
            raise TextError("this number is too large", token.start, token.end)
        if int(token.text) > _MOST:
            raise TextError("this number is too large", token.start, token.end)
        return Literal("int", int(token.text), token.start, token.end)

    def group(self, parts: _Parts) -> Group:
        inner = parts[1]
        if not (_is_number(inner) or _is_condition(inner)):
            message = "only conditions, paths, numbers, calculations and converters may be in parentheses"
            raise TextError(message, inner.start, inner.end)
        return Group(inner, parts[0].start, parts[2].end)

    def string(self, parts: _Parts) -> Literal:
        return _string(parts[0])

    def bytes(self, parts: _Parts) -> Literal:
        (token,) = parts
        if len(token.text) % 2:
            raise TextError("bytes need an even number of hexadecimal digits", token.start, token.end)
        return Literal("bytes", bytes.fromhex(token.text[2:]), token.start, token.end)

    def boolean(self, parts: _Parts) -> Literal:
        return Literal("bool", parts[0].text == "true", parts[0].start, parts[0].end)

    def nil(self, parts: _Parts) -> Literal:
        return Literal("nil", None, parts[0].start, parts[0].end)

    def enum(self, parts: _Parts) -> Enum:
        return Enum(parts[0].text, parts[0].start, parts[0].end)

    def empty_list(self, parts: _Parts) -> ListValue:
        return ListValue((), parts[0].start, parts[1].end)

    def list(self, parts: _Parts) -> ListValue:
        return ListValue(tuple(parts[1]), parts[0].start, parts[2].end)

    def two_lists(self, parts: _Parts) -> ListValue:
        return ListValue((*parts[1], *parts[2]), parts[0].start, parts[3].end)

    def empty_map(self, parts: _Parts) -> MapValue:
        return MapValue((), parts[0].start, parts[1].end)

    def map(self, parts: _Parts) -> MapValue:
        return MapValue(tuple(parts[1]), parts[0].start, parts[2].end)

    def entry(self, parts: _Parts) -> tuple[Literal, Node]:
        return _string(parts[0]), parts[2]

    def first(self, parts: _Parts) -> _Parts:
        return [parts[0]]

    def only(self, parts: _Parts) -> _Parts:
        return [parts[1]]

    def append_next(self, parts: _Parts) -> _Parts:
        parts[0].append(parts[1])
        return list(parts[0])

    def append(self, parts: _Parts) -> _Parts:
        parts[0].append(parts[2])
        return list(parts[0])

    def path(self, parts: _Parts) -> Path:
        (name,) = parts
        return Path((Segment(name.text, (), name.start, name.end),), name.start, name.end)

    def longer_path(self, parts: _Parts) -> Path:
        before, _, name = parts
        segment = Segment(name.text, (), name.start, name.end)
        return Path((*before.segments, segment), before.start, name.end)

    def indexed_path(self, parts: _Parts) -> Path:
        before, (key, _, end) = parts
        *others, last = before.segments
        return Path((*others, last._replace(keys=(*last.keys, key))), before.start, end)

    def bare_call(self, parts: _Parts) -> Call:
        name, _, closing = parts
        return Call(name.text, (), (), name.start, closing.end, name.end)

    def call(self, parts: _Parts) -> Call:
        name, _, arguments, closing = parts
        return Call(name.text, tuple(arguments), (), name.start, closing.end, name.end)

    def indexed_call(self, parts: _Parts) -> Call:
        call, (key, _, end) = parts
        indexed: Call = call._replace(keys=(*call.keys, key), end=end)
        return indexed

    def string_key(self, parts: _Parts) -> _Key:
        return _string(parts[1]), parts[0].start, parts[2].end

    def key(self, parts: _Parts) -> _Key:
        inner = _number(parts[1])
        if isinstance(inner, Calculation) and not inner.sign and isinstance(inner.parts[0], Literal):
            first = inner.parts[0]
            if first.type == "int":
                message = "a key that is calculated must not begin with an integer: put it in parentheses"
                raise TextError(message, inner.start, inner.end)
        return inner, parts[0].start, parts[2].end

    def argument(self, parts: _Parts) -> Argument:
        (value,) = parts
        return Argument("", value, value.start, value.end)

    def function_argument(self, parts: _Parts) -> Argument:
        (name,) = parts
        return Argument("", name.text, name.start, name.end)

    def named_argument(self, parts: _Parts) -> Argument:
        name, _, value = parts
        return Argument(name.text, value, name.start, value.end)

    def named_function_argument(self, parts: _Parts) -> Argument:
        name, _, function = parts
        return Argument(name.text, function.text, name.start, function.end)


def _editor(call: Call) -> Call:
    if call.keys:
        message = "an editor has no value that could be indexed"
        raise TextError(message, call.keys[0].start, call.keys[-1].end)
    if not call.name[0].islower():
        message = f"a statement begins with an editor, such as `set`, but `{call.name}` is a converter"
        raise TextError(message, call.start, call.name_end)
    return call


def _joined(parts: _Parts, operator: str) -> Logical:
    left, right = _condition(parts[0]), _condition(parts[2])
    before = left.parts if isinstance(left, Logical) and left.operator == operator else (left,)
    return Logical((*before, right), operator, left.start, right.end)


def _is_condition(node: Node) -> bool:
    if isinstance(node, Group):
        return _is_condition(node.inner)
    if isinstance(node, Literal):
        return node.type == "bool"
    return isinstance(node, Comparison | Logical | Call)


def _is_number(node: Node) -> bool:
    if isinstance(node, Group):
        return _is_number(node.inner)
    if isinstance(node, Literal):
        return node.type in {"int", "float"}
    return isinstance(node, Path | Call | Calculation)


def _condition(node: Node) -> Node:
    if not _is_condition(node):
        raise TextError("this is a value, but a condition is needed: compare it", node.start, node.end)
    return _converter(node)


def _value(node: Node) -> Node:
    if isinstance(node, Comparison | Logical) or (isinstance(node, Group) and not _is_number(node)):
        raise TextError("this is a condition, but a value is needed", node.start, node.end)
    return _converter(node)


def _number(node: Node) -> Node:
    if not _is_number(node):
        raise TextError("this is a condition, but a number is needed", node.start, node.end)
    return _converter(node)


def _converter(node: Node) -> Node:
    if isinstance(node, Call) and node.name[0].islower():
        message = (
            f"`{node.name}` has no value: functions that have one begin with a capital, such as `Concat`"
        )
        raise TextError(message, node.start, node.name_end)
    return node


def _string(token: Any) -> Literal:
    text = token.text[1:-1]
    if "\\" in text:
        for found in _ESCAPE.finditer(text):
            if found["wrong"] is not None or _is_wrong_number(found):
                raise _no_escape(found, token.start + 1)
        text = _ESCAPE.sub(_unescaped, text)
    return Literal("string", text, token.start, token.end)


def _is_wrong_number(found: re.Match[str]) -> bool:
    if found["octal"]:
        return int(found["octal"], 8) > 255
    number = int(found["u"] or found["U"] or "0", 16)
    return number > 0x10FFFF or 0xD800 <= number < 0xE000


def _unescaped(found: re.Match[str]) -> str:
    if found["letter"]:
        return _LETTERS[found["letter"]]
    if found["u"] or found["U"]:
        return chr(int(found["u"] or found["U"], 16))
    byte = int(found["x"], 16) if found["x"] else int(found["octal"], 8)
    return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)  # a byte, as Python writes those outside of UTF-8


def _no_escape(found: re.Match[str], offset: int) -> TextError:
    start = offset + found.start()
    message = f"strings have no escape `{found.group()}`: write `\\{found.group()}` for a backslash"
    return TextError(message, start, offset + found.end())
