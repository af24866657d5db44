"""Where in an expression a place is, and the type that is wanted there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lang import types as wanted
from alloypy.lsp.cursor.words import blank, last_mark, word_around
from alloypy.syntax.holes.parsing import is_hole
from alloypy.syntax.tree import (
    Access,
    Array,
    Binary,
    Expression,
    Field,
    Identifier,
    Index,
    Literal,
    Object,
    Paren,
    Unary,
)
from alloypy.syntax.tree import Call as CallNode

if TYPE_CHECKING:
    from alloypy.lang.types import Type

_LOGICAL = frozenset({"&&", "||"})
_ORDERING = frozenset({"==", "!=", "<", ">", "<=", ">="})
PASSED_ON = frozenset({"coalesce", "array.concat", "concat"})
"""Functions that give a value of the type of their arguments."""


class Call(NamedTuple):
    """A call of a function around a place.

    name: of the function, or "" if it is no name. number: of the argument, from 0. node: the call; its
    offsets count from the beginning of the section.
    """

    name: str
    number: int
    node: CallNode


class ValuePlace(NamedTuple):
    """A place in an expression; `kind` is the name of a kind of place."""

    kind: str
    start: int
    stop: int
    wanted: Type | None = None
    call: Call | None = None
    path: tuple[str, ...] = ()
    node: Expression | None = None


class ValueFinder:
    """Descends into an expression, without recursion, because expressions may nest deeply."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._call: Call | None = None
        self._wanted: Type | None = None

    def find(self, value: Expression, type_: Type | None) -> ValuePlace | None:
        """The place; None if it is in a later line than the end of the expression."""
        self._wanted = plain(type_)
        if self._is_over(value):
            return None
        node: Expression | None = value
        while node is not None:
            found = self._step(node)
            if isinstance(found, ValuePlace):
                return found
            node = found
        return self._elsewhere()

    def _is_over(self, value: Expression) -> bool:
        """Whether the place is in a later line, and no bracket is open."""
        if self._at <= value.end + 1 or b"\n" not in self._data[value.end : self._at]:
            return False
        return last_mark(self._data, max(value.start, value.end - 1), self._at) not in {"[", "(", ",", "{"}

    def _step(self, node: Expression) -> Expression | ValuePlace:
        """The part of the expression to look at next, or the place."""
        match node:
            case Literal():
                return self._literal(node)
            case Identifier():
                return self._identifier(node)
            case Access():
                return self._access(node)
            case Array():
                return self._array(node)
            case Object():
                return self._object(node)
            case Index():
                return self._index(node)
            case CallNode():
                return self._arguments(node)
            case Unary():
                self._wanted = wanted.BoolType() if node.op == "!" else wanted.FloatType()
                return node.value if self._at > node.start else self._elsewhere()
            case Binary():
                return self._binary(node)
            case Paren():
                return (
                    node.inner
                    if node.start < self._at and self._reaches(node.end, b")")
                    else self._elsewhere()
                )

    # Names and literals

    def _word(self, node: Expression | None, kind: str = "VALUE", path: tuple[str, ...] = ()) -> ValuePlace:
        start, stop = word_around(self._data, self._at)
        return ValuePlace(kind, start, stop, self._wanted, self._call, path, node)

    def _elsewhere(self) -> ValuePlace:
        return ValuePlace("ELSEWHERE", self._at, self._at, None, self._call)

    def _literal(self, node: Literal) -> ValuePlace:
        if node.kind != "STRING":
            return self._word(node) if node.start <= self._at <= node.end + 1 else self._elsewhere()
        closed = len(node.text) > 1 and node.text[-1] == node.text[0]
        stop = node.end if closed else node.end + 1
        if node.start < self._at <= stop:
            return ValuePlace("STRING", node.start + 1, stop, self._wanted, self._call, (), node)
        return self._elsewhere()

    def _identifier(self, node: Identifier) -> ValuePlace:
        if is_hole(node):
            return (
                self._word(node)
                if blank(self._data, min(node.start, self._at), self._at)
                else self._elsewhere()
            )
        return self._word(node) if node.start <= self._at <= node.end + 1 else self._elsewhere()

    def _access(self, node: Access) -> Expression | ValuePlace:
        value_end = max(node.value.end, node.value.start - 1)
        dot = self._data.find(b".", value_end + 1, max(node.name.start, value_end + 1) + 1)
        if self._at <= max(value_end + 1, 0) and self._at <= dot:
            return node.value
        if self._at <= dot:
            return node.value if is_hole(node.value) else self._elsewhere()
        if not is_hole(node.name) and self._at > node.name.end + 1:
            return self._elsewhere()
        if is_hole(node.name) and not blank(self._data, dot + 1, self._at):
            return self._elsewhere()
        return self._word(node.value, "MEMBER", names_of(node.value) or ())

    # Operators

    def _binary(self, node: Binary) -> Expression | ValuePlace:
        if node.op_start < self._at < node.op_start + len(node.op):
            return self._elsewhere()
        if node.op in _LOGICAL:
            self._wanted = wanted.BoolType()
        elif node.op in _ORDERING:
            self._wanted = None
        elif node.op != "+":
            self._wanted = wanted.FloatType()
        return node.left if self._at <= node.op_start else node.right

    def _index(self, node: Index) -> Expression | ValuePlace:
        if self._at <= node.lbrack:
            return node.value
        if not self._reaches(node.end, b"]"):
            return self._elsewhere()
        self._wanted = None
        return node.index

    # Brackets

    def _reaches(self, closer: int, character: bytes) -> bool:
        """Whether the place is before the closing bracket, which may be missing in the text."""
        if self._at <= closer:
            return True
        return self._data[closer : closer + 1] != character and blank(self._data, closer, self._at)

    def _array(self, node: Array) -> Expression | ValuePlace:
        if self._at <= node.start or not self._reaches(node.end, b"]"):
            return self._elsewhere()
        self._wanted = element_of(self._wanted)
        return self._listed(node.elements, node.start)

    def _listed(self, parts: Sequence[Expression], opener: int) -> Expression | ValuePlace:
        """The element or argument at the place."""
        for part in parts:
            if part.start <= self._at <= max(part.end + 1, part.start):
                return part
        if last_mark(self._data, self._before(parts, opener), self._at) in {"[", "(", ","}:
            return self._word(None)
        return self._elsewhere()

    def _before(self, parts: Sequence[Expression], opener: int) -> int:
        """Where to look for the mark before the place: the end of the last part before it."""
        ended = [part.end + 1 for part in parts if part.end < self._at and not is_hole(part)]
        return ended[-1] if ended else opener

    def _arguments(self, node: CallNode) -> Expression | ValuePlace:
        if self._at <= node.lparen:
            return node.value
        if not self._reaches(node.end, b")"):
            return self._elsewhere()
        name = ".".join(names_of(node.value) or ())
        number = self._number(node.args)
        self._call = Call(name, number, node)
        self._wanted = parameter_of(name, number, self._wanted)
        return self._listed(node.args, node.lparen)

    def _number(self, args: Sequence[Expression]) -> int:
        """The number of the argument at the place: that of the commas before it."""
        number = 0
        for part in args:
            if self._at <= max(part.end + 1, part.start):
                break
            number += last_mark(self._data, part.end + 1, self._at) != ""
        return number

    def _object(self, node: Object) -> Expression | ValuePlace:
        if self._at <= node.start or not self._reaches(node.end, b"}"):
            return self._elsewhere()
        found = None
        for field in node.fields:
            if field.start > self._at:
                break
            found = field
        if found is None:
            return self._field_name(node, None)
        return self._field(node, found)

    def _field(self, node: Object, field: Field) -> Expression | ValuePlace:
        stop = field.end + 1 + (2 if field.quoted else 0)
        if self._at <= stop:
            return self._field_name(node, field)
        assign = self._data.find(b"=", stop, max(field.value.start, stop) + 1)
        if self._at <= assign:
            return self._elsewhere() if field.name else self._field_name(node, field)
        value = field.value
        after = self._at > value.end + 1 and not (is_hole(value) and blank(self._data, value.start, self._at))
        if after and last_mark(self._data, value.end + 1, self._at) == ",":
            return self._field_name(node, None)
        self._wanted = field_of(self._wanted, field.name)
        return value

    def _field_name(self, node: Object, field: Field | None) -> ValuePlace:
        start, stop = word_around(self._data, self._at)
        if field is not None and field.quoted:
            start, stop = min(field.start + 1, self._at), max(field.end + 2, self._at)
        return ValuePlace("FIELD", start, stop, self._wanted, self._call, (), node)


def names_of(node: Expression) -> tuple[str, ...] | None:
    """The names of an expression of names and dots only; else None."""
    names = []
    while isinstance(node, Access):
        names.append(node.name.name)
        node = node.value
    if not isinstance(node, Identifier):
        return None
    return (node.name, *reversed(names))


def plain(type_: Type | None) -> Type | None:
    """A type without null."""
    return type_.inner if isinstance(type_, wanted.NullableType) else type_


def is_list(type_: Type | None) -> bool:
    """Whether a type is that of lists."""
    return isinstance(plain(type_), wanted.ListType)


def element_of(type_: Type | None) -> Type | None:
    """The type of the elements of an array of this type, if that is known."""
    type_ = plain(type_)
    if isinstance(type_, wanted.ListType):
        return plain(type_.element)
    if isinstance(type_, wanted.CapsuleType):
        form = type_.cls.literal_form
        return None if isinstance(form, str) else plain(form)
    return None


def is_made_by_components(type_: Type | None) -> bool:
    """Whether only components make the values of a type, or of its elements: receivers, rules, handlers."""
    inner = plain(type_)
    if isinstance(inner, wanted.ListType):
        inner = plain(inner.element)
    return isinstance(inner, wanted.CapsuleType) and inner.cls.literal_form != "object"


def field_of(type_: Type | None, name: str) -> Type | None:
    """The type of a field of an object of this type, if that is known."""
    if isinstance(type_, wanted.MapType):
        return plain(type_.element)
    if isinstance(type_, wanted.ObjectType):
        return next((plain(field.type) for field in type_.fields if field.name == name), None)
    return None


def parameter_of(name: str, number: int, result: Type | None) -> Type | None:
    """The type of an argument of a function whose value is wanted as `result`, if that is known."""
    if name in PASSED_ON:
        return result
    from alloypy.lang.evaluation.functions import TypedFunction
    from alloypy.lsp.cursor.library import function_of

    function = function_of(name)
    if not isinstance(function, TypedFunction):
        return None
    if number < len(function.parameters):
        return plain(function.parameters[number])
    return function.rest
