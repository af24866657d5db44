"""Evaluation of expressions.

Source: docs/spec/SYNTAX.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from alloypy.lang import texts
from alloypy.lang.conversion import ConversionError, convert
from alloypy.lang.evaluation import traced
from alloypy.lang.evaluation.effort import Effort, Exhausted, allowed, current, weigh
from alloypy.lang.evaluation.faults import (
    CODE,
    BadValueError,
    EvaluationError,
    conversion_links,
    diagnose,
    fault,
)
from alloypy.lang.evaluation.functions import LibraryFunction
from alloypy.lang.evaluation.literals import LiteralError, literal_value
from alloypy.lang.evaluation.operators import binary, unary
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.evaluation.traced import GIVEN, LITERAL, Traced
from alloypy.lang.go.text import quote
from alloypy.lang.numbers import to_int
from alloypy.lang.types import Type
from alloypy.lang.values import Capsule, Kind, Value, kind_of
from alloypy.syntax import tree
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.source import Source

__all__ = ["EvaluationError", "evaluate", "evaluate_as"]

_TOO_DEEP = "expression is nested too deeply"


def evaluate(expression: tree.Expression, source: Source, scope: Scope) -> Value:
    """The value of `expression`, which was parsed from `source`.

    Raises DiagnosticsError, and EvaluationError for the few faults that have no place in Alloy.
    """
    return _run(expression, source, scope, _weighed)


def evaluate_as(expression: tree.Expression, wanted: Type, source: Source, scope: Scope) -> Any:
    """The value of `expression` as `wanted`. Raises as `evaluate` does."""

    def decode(result: Traced) -> Any:
        try:
            return convert(result.value, wanted)
        except ConversionError as error:
            raise BadValueError(conversion_links(result, error)) from None

    return _run(expression, source, scope, decode)


def _weighed(result: Traced) -> Value:
    """The value, after counting all its parts: shared parts can make it far larger than the work so far."""
    weigh(result.value)
    return result.value


def _run(expression: tree.Expression, source: Source, scope: Scope, finish: Callable[[Traced], Any]) -> Any:
    allow_recursion()
    effort = current() or Effort()
    evaluation = _Evaluation(source, scope, effort)
    with allowed(effort):
        try:
            try:
                return finish(evaluation.value(expression))
            except BadValueError as error:
                raise diagnose(error.links, evaluation.expressions, source) from None
        except RecursionError:
            raise EvaluationError(_TOO_DEEP) from None
        except Exhausted as error:
            if not effort.final:
                raise
            raise DiagnosticsError([Diagnostic(expression.span(source), str(error), code=CODE)]) from None


class _Evaluation:
    """One evaluation; records which expression produced which value."""

    __slots__ = ("_effort", "_scope", "_source", "_variables", "expressions")

    def __init__(self, source: Source, scope: Scope, effort: Effort) -> None:
        self._effort = effort
        self._source = source
        self._scope = scope
        self._variables: dict[str, Traced] = {}
        self.expressions: dict[Hashable, tree.Expression] = {}

    def value(self, expression: tree.Expression) -> Traced:
        """Evaluate one expression. Every operator evaluates both of its sides; none short-circuits."""
        self._effort.spend(1)
        result = _EVALUATORS[type(expression)](self, expression)
        if result.value is not None:
            self.expressions[result.key] = expression
        return result

    def literal(self, expression: tree.Literal) -> Traced:
        try:
            return Traced(literal_value(expression), LITERAL)
        except LiteralError as error:
            raise EvaluationError(str(error)) from None

    def array(self, expression: tree.Array) -> Traced:
        return traced.array([self.value(element) for element in expression.elements])

    def object(self, expression: tree.Object) -> Traced:
        return traced.object_of({field.name: self.value(field.value) for field in expression.fields})

    def paren(self, expression: tree.Paren) -> Traced:
        return self.value(expression.inner)

    def unary(self, expression: tree.Unary) -> Traced:
        return Traced(unary(expression.op, self.value(expression.value)), LITERAL)

    def binary(self, expression: tree.Binary) -> Traced:
        left = self.value(expression.left)
        return Traced(binary(left, expression.op, self.value(expression.right)), LITERAL)

    def identifier(self, expression: tree.Identifier) -> Traced:
        name = expression.name
        known = self._variables.get(name)
        if known is None:
            try:
                value = self._scope.lookup(name)
            except KeyError:
                raise self._at(expression, f"identifier {quote(name)} does not exist") from None
            known = self._variables[name] = Traced(value, GIVEN)
        return known

    def access(self, expression: tree.Access) -> Traced:
        holder = self.value(expression.value)
        name = expression.name.name
        fields = _fields(holder.value)
        if fields is None:
            raise fault(holder, texts.no_fields(name, kind_of(holder.value)))
        if name not in fields:
            raise self._at(expression.name, texts.field_unknown(name))
        return holder.child(name)

    def index(self, expression: tree.Index) -> Traced:
        holder, index = self.value(expression.value), self.value(expression.index)
        if kind_of(holder.value) == Kind.ARRAY:
            return _element(holder, index)
        fields = _fields(holder.value)
        if fields is None:
            raise fault(holder, texts.no_parts(kind_of(holder.value)))
        _demand(Kind.STRING, index)
        key = str(index.value)
        return holder.child(key) if key in fields else Traced(None, GIVEN)

    def call(self, expression: tree.Call) -> Traced:
        callee = self.value(expression.value)
        _demand(Kind.FUNCTION, callee)
        function: LibraryFunction = callee.value
        return function.apply(callee, [self.value(arg) for arg in expression.args])

    def _at(self, node: tree.Node, message: str) -> DiagnosticsError:
        return DiagnosticsError([Diagnostic(node.span(self._source), message, code=CODE)])


_EVALUATORS: dict[type, Callable[[_Evaluation, Any], Traced]] = {
    tree.Literal: _Evaluation.literal,
    tree.Identifier: _Evaluation.identifier,
    tree.Array: _Evaluation.array,
    tree.Object: _Evaluation.object,
    tree.Access: _Evaluation.access,
    tree.Index: _Evaluation.index,
    tree.Call: _Evaluation.call,
    tree.Unary: _Evaluation.unary,
    tree.Binary: _Evaluation.binary,
    tree.Paren: _Evaluation.paren,
}


def _fields(value: Value) -> Any:
    """The fields of an object, or of a capsule that converts to one; None for anything else."""
    if isinstance(value, dict):
        return value
    if isinstance(value, Capsule):
        return value.fields()
    return value if kind_of(value) == Kind.OBJECT else None


def _demand(kind: str, value: Traced) -> None:
    actual = kind_of(value.value)
    if actual != kind:
        raise fault(value, texts.should_be(kind, actual))


def _element(holder: Traced, index: Traced) -> Traced:
    _demand(Kind.NUMBER, index)
    position, length = to_int(index.value), len(holder.value)
    if not 0 <= position < length:
        raise fault(index, texts.out_of_range(position, length))
    return holder.child(position)
