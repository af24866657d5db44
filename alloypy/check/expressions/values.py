"""Expressions without running them: what is known about their values, and what is certain to fail.

An expression that does not depend on anything outside the file is really evaluated. For others only
the kind is tracked: what components export, what functions return. Nothing is guessed: if a value of
the machine, the environment or a running component decides, there is no fault.
Source: docs/spec/SYNTAX.md, section 5; docs/spec/RUNTIME.md, sections 2.4, 2.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, NamedTuple

from alloypy.check.expressions import operations
from alloypy.check.expressions.library import MACHINE, PURE, result_of
from alloypy.check.expressions.operations import MisuseError, demanded
from alloypy.check.expressions.shapes import (
    ANYTHING,
    STRING,
    Shape,
    common,
    exactly,
    hidden,
    in_words,
    mismatch,
)
from alloypy.check.modules.frames import Frame, Seen
from alloypy.check.scope import Language
from alloypy.graph.codes import OUT_OF_SCOPE, VALUE
from alloypy.graph.references import Chain, chain_text, expression_chains, inner_expressions
from alloypy.graph.texts import out_of_scope
from alloypy.graph.unset_variables import environment_variable
from alloypy.lang import texts
from alloypy.lang import types as wanted
from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate, evaluate_as
from alloypy.lang.evaluation.functions import LibraryFunction, TypedFunction
from alloypy.lang.evaluation.literals import LiteralError, literal_value
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.numbers import number_text
from alloypy.lang.secrecy import names_secret
from alloypy.lang.types import Type
from alloypy.lang.values import Kind
from alloypy.rules.view import Undecided
from alloypy.schema.nearest import meant
from alloypy.syntax import tree
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Expression

_NO_NAMES = Scope({})


class Surroundings(NamedTuple):
    """What an expression sees.

    frame: the module that contains it. library: returns the scope of the standard library.
    environ: variables that the environment will have, and that the library can read.
    """

    frame: Frame
    language: Language
    library: Callable[[], Scope]
    environ: Mapping[str, str]


class ValueCheck:
    """Checks the expressions of one source and collects `faults`.

    secrets: texts found on the way that must not be shown, although messages may contain them.
    """

    def __init__(self, source: Source, surroundings: Surroundings) -> None:
        self.faults: list[Diagnostic] = []
        self.secrets: set[str] = set()
        self.source = source
        self._frame = surroundings.frame
        self._language = surroundings.language
        self._environ = surroundings.environ
        self._load_library = surroundings.library
        self._closed: dict[int, bool] = {}

    def fit(self, node: Expression, type_: Type) -> None:
        """Note what is certain to fail when the expression is evaluated as `type_`."""
        inner = type_.inner if isinstance(type_, wanted.NullableType) else type_
        if isinstance(inner, wanted.AnyType):
            self.shape(node)
        elif self._is_closed(node):
            self._evaluate(lambda: evaluate_as(node, inner, self.source, self._library(node)), node)
        elif isinstance(node, tree.Array) and isinstance(inner, wanted.ListType):
            for element in node.elements:
                self.fit(element, inner.element)
        elif isinstance(node, tree.Object) and isinstance(inner, wanted.MapType):
            for field in node.fields:
                self.fit(field.value, inner.element)
        elif isinstance(node, tree.Object) and isinstance(inner, wanted.ObjectType):
            known = {field.name: field.type for field in inner.fields}
            for field in node.fields:
                self.fit(field.value, known.get(field.name, wanted.AnyType()))
        elif isinstance(node, tree.Call) and isinstance(inner, wanted.ListType):
            self._fit_call(node, inner)
        else:
            shape = self.shape(node)
            self._demand(node, mismatch(shape, inner), in_words(shape, inner))

    def _fit_call(self, node: tree.Call, type_: wanted.ListType) -> None:
        """Note what is certain to fail in a call that has to return a list, such as array.concat."""
        shape = self.shape(node)
        self._demand(node, mismatch(shape, type_), in_words(shape, type_))
        lists = [argument for argument in node.args if isinstance(argument, tree.Array)]
        function = self.shape(node.value).value if lists else None
        if isinstance(function, LibraryFunction) and function.name == "array.concat":
            for argument in lists:
                self.fit(argument, type_)

    def decided(self, node: Expression, type_: Type) -> Any:
        """The decoded value of an expression, if the file alone determines it.

        Raises Undecided; faults of the expression are not noted here.
        """
        if not self._is_closed(node):
            raise Undecided
        try:
            return evaluate_as(node, type_, self.source, self._library(node))
        except (DiagnosticsError, EvaluationError):
            raise Undecided from None

    def passed(self, node: Expression, name: str) -> Shape:
        """What is known about a value that is passed on under a name; hidden if it may be secret."""
        shape = self.shape(node)
        return hidden(shape) if self.secrets or names_secret(name) else shape

    def shape(self, node: Expression) -> Shape:
        """What is known about an expression's value."""
        if isinstance(node, tree.Literal):
            return self._literal(node)
        if self._is_closed(node):
            return self._evaluate(lambda: exactly(evaluate(node, self.source, self._library(node))), node)
        return self._parts(node)

    def _parts(self, node: Expression) -> Shape:
        """What is known about an expression's value from its parts."""
        match node:
            case tree.Paren():
                return self.shape(node.inner)
            case tree.Array():
                return Shape(Kind.ARRAY, parts=dict(enumerate(map(self.shape, node.elements))))
            case tree.Object():
                return Shape(Kind.OBJECT, parts={f.name: self.shape(f.value) for f in node.fields})
            case tree.Unary():
                return self._unary(node)
            case tree.Binary():
                return self._binary(node)
            case tree.Call():
                return self._call(node)
            case tree.Index():
                return self._index(node)
            case tree.Access():
                return self._access(node)
        return self._name(node) if isinstance(node, tree.Identifier) else ANYTHING

    def _fault(self, node: tree.Node, message: str) -> Shape:
        self.faults.append(Diagnostic(Span(self.source, node.start, node.end), message, VALUE))
        return ANYTHING

    def _demand(self, node: Expression, message: str | None, hint: str = "") -> bool:
        """Note `message` after the expression's text as a fault; returns True if there is no message."""
        if message is None:
            return True
        text = self.source.data[node.start : node.end + 1].decode("utf-8", "surrogateescape")
        self._fault(node, f"{text} {message}")
        if hint:
            self.faults[-1] = self.faults[-1]._replace(hint=hint)
        return False

    def _evaluate(self, work: Callable[[], Shape], node: Expression) -> Shape:
        try:
            return work()
        except DiagnosticsError as error:
            for diagnostic in error.diagnostics:
                if diagnostic.span is None:
                    self._find_place(node, diagnostic.message)
                else:
                    self.faults.append(diagnostic._replace(code=VALUE))
        except EvaluationError as error:
            self._fault(node, str(error))
        return ANYTHING

    def _find_place(self, node: Expression, message: str) -> None:
        """Note a fault that evaluation reports without a place, at the part that causes it, if found."""
        before = len(self.faults)
        if not isinstance(node, tree.Literal):
            self._parts(node)
        if len(self.faults) == before:
            self._fault(node, message.strip())

    def _literal(self, node: tree.Literal) -> Shape:
        try:
            return exactly(literal_value(node))
        except LiteralError as error:
            return self._fault(node, str(error))

    def _library(self, node: Expression) -> Scope:
        """The scope of an expression whose value is known: the library, and the values of its other names."""
        named = [] if isinstance(node, tree.Literal) else expression_chains(node)
        if not named:
            return _NO_NAMES
        values: dict[str, Any] = {}
        for chain in named:
            known = self._known_value(chain)
            if known is not None:
                *outer, last = (part.name for part in chain[: known.used])
                place = values
                for name in outer:
                    place = place.setdefault(name, {})
                place.setdefault(last, known.shape.value)
        library = self._load_library()
        return library.child(values) if values else library

    def _known_value(self, chain: Chain) -> Seen | None:
        """The shortest prefix of a chain whose value is known, if there is one."""
        seen = self._frame.resolve(chain)
        if seen is None:
            return None
        shape, used = seen
        while not shape.is_exact:
            if shape.parts is None or used == len(chain) or chain[used].name not in shape.parts:
                return None
            shape = shape.parts[chain[used].name]
            used += 1
        if shape.secret:
            self.secrets.update(_texts(shape.value))
        return Seen(shape, used)

    def _is_closed(self, node: Expression) -> bool:
        """Whether the expression's value is known: it depends only on the files."""
        if isinstance(node, tree.Literal):
            return True
        known = self._closed.get(id(node))
        if known is None:
            known = self._closed[id(node)] = self._decide_closed(node)
        return known

    def _decide_closed(self, node: Expression) -> bool:
        match node:
            case tree.Identifier() | tree.Access() if (chain := _chain_of(node)) is not None:
                if self._known_value(chain) is not None:
                    return True
                name = chain[0].name
                return self._in_library(name) and (name not in MACHINE or chain_text(chain) in PURE)
            case tree.Call() if environment_variable(node) in self._environ and self._in_library("sys"):
                return True
            case _:
                for each in inner_expressions(node):  # noqa: SIM110 -- all() calls from C, on the C stack
                    if not self._is_closed(each):
                        return False
                return True

    def _in_library(self, name: str) -> bool:
        """Whether a name is the standard library's, and nothing in the file hides it."""
        return self._is_library(name) and not self._frame.hides(name)

    def _is_library(self, name: str) -> bool:
        return name in self._language.identifiers or name in self._language.deprecated

    def _name(self, node: tree.Identifier) -> Shape:
        return self._chain((node,), node)

    def _chain(self, chain: Chain, node: Expression) -> Shape:
        """The value of a chain of names; the names after a node's id are fields."""
        seen = self._frame.resolve(chain)
        if seen is None:
            return self._outside(chain, node)
        return self._fields(seen.shape, chain, seen.used)

    def _fields(self, shape: Shape, chain: Chain, used: int) -> Shape:
        """The value of the names of a chain from `used` on, as fields of a value."""
        end = chain[used - 1].end
        for name in chain[used:]:
            shape = self._field(shape, tree.Identifier(chain[0].start, end, ""), name)
            end = name.end
        return shape

    def _outside(self, chain: Chain, node: Expression) -> Shape:
        """The value of a name of the library, or a fault for an unknown name."""
        first = chain[0]
        if not self._is_library(first.name):
            span = Span(self.source, first.start, chain[-1].end)
            self.faults.append(Diagnostic(span, out_of_scope(chain_text(chain)), OUT_OF_SCOPE))
            return ANYTHING
        if self._frame.hides(first.name):
            return self._fields(Shape(Kind.OBJECT, parts={}), chain, 1)
        if first.name == "constants":
            from alloypy.check.expressions.library import constants_of

            names = constants_of(self._language.identifiers)
            shape = Shape(Kind.OBJECT, parts=dict.fromkeys(names, STRING))
        else:
            shape = exactly(self._load_library().lookup(first.name))
        return self._fields(shape, chain, 1)

    def _access(self, node: tree.Access) -> Shape:
        chain = _chain_of(node)
        if chain is not None:
            return self._chain(chain, node)
        return self._field(self.shape(node.value), node.value, node.name)

    def _field(self, shape: Shape, holder: Expression, name: tree.Identifier) -> Shape:
        names = shape.names if shape.is_object else None
        if names is not None and name.name not in names:
            self._fault(name, texts.field_unknown(name.name))
            hint, fix = meant(name.name, names, name.start, name.end + 1)
            self.faults[-1] = self.faults[-1]._replace(hint=hint, fix=fix)
        return self._operation(lambda: operations.field(shape, name.name), holder)

    def _index(self, node: tree.Index) -> Shape:
        shape, key = self.shape(node.value), self.shape(node.index)
        return self._operation(lambda: operations.index(shape, key), node.value, node.index)

    def _unary(self, node: tree.Unary) -> Shape:
        value = self.shape(node.value)
        return self._operation(lambda: operations.unary(node.op, value), node.value)

    def _binary(self, node: tree.Binary) -> Shape:
        left, right = self.shape(node.left), self.shape(node.right)
        return self._operation(lambda: operations.binary(node.op, left, right), node.left, node.right)

    def _kind(self, node: Expression, shape: Shape, kind: str) -> None:
        self._operation(lambda: demanded(kind, shape), node)

    def _operation(self, work: Callable[[], Shape], *operands: Expression) -> Shape:
        """The result of an operation; notes a fault of an operand."""
        try:
            return work()
        except MisuseError as misuse:
            self._demand(operands[misuse.operand], str(misuse))
            return ANYTHING

    def _call(self, node: tree.Call) -> Shape:
        if environment_variable(node) is not None and self._in_library("sys") and self._in_library("env"):
            return STRING  # by far the most common call, which needs no library to be understood
        callee = self.shape(node.value)
        if callee.kind != Kind.FUNCTION:
            self._kind(node.value, callee, Kind.FUNCTION)
            for argument in node.args:
                self.shape(argument)
            return ANYTHING
        function = callee.value
        if isinstance(function, TypedFunction):
            self._typed_call(node, function)
        else:
            shapes = list(map(self.shape, node.args))
            if isinstance(function, LibraryFunction) and function.name == "coalesce":
                return common(shapes)
            for argument, shape in zip(node.args, shapes, strict=True):
                if isinstance(function, LibraryFunction) and function.name == "array.concat":
                    self._kind(argument, shape, Kind.ARRAY)
        return result_of(function)

    def _typed_call(self, node: tree.Call, function: TypedFunction) -> None:
        self._demand(node.value, function.wrong_count(len(node.args)))
        types = (*function.parameters, *repeat(function.rest or wanted.AnyType(), len(node.args)))
        for argument, type_ in zip(node.args, types, strict=False):
            self.fit(argument, type_)


def _texts(value: Any) -> Iterator[str]:
    """The texts and numbers in a value, in the form that messages have."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield number_text(value)


def _chain_of(node: Expression) -> Chain | None:
    """The names of an expression of names and dots only; else None."""
    names = []
    while isinstance(node, tree.Access):
        names.append(node.name)
        node = node.value
    if not isinstance(node, tree.Identifier):
        return None
    return (node, *reversed(names))
