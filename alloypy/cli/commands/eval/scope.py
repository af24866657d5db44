"""The names that an expression can use when it is evaluated inside a configuration.

A configuration that is not running has no exports. What is known is what its blocks say: the value of
each attribute, under the name of its block, unless it depends on exports itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alloypy.catalog.catalog import load_catalog
from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.values import Secret, Value
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, File, Statement


class BlockContent(dict[str, Value]):
    """The content of a block, as an object; unlike an object value, it is never secret as a whole."""


_OWN_NAMES = frozenset({"declare", "foreach"})
"""Blocks whose bodies have a scope of their own."""


def configuration_scope(files: Iterable[File], parent: Scope) -> Scope:
    """A scope with the arguments of every block under the block's name and label.

    `argument "x"` blocks give their defaults, under Alloy's name `argument.x.value`. Nested blocks are
    arrays of objects. Attributes that cannot be evaluated are left out.
    """
    blocks = [
        (block, file.source)
        for file in files
        for block in file.body
        if isinstance(block, Block) and block.full_name not in _OWN_NAMES
    ]
    scope = Scope({}, parent)
    while True:
        variables: dict[str, Any] = {}
        for block, source in blocks:
            _place(variables, block, _content(block, source, scope))
        if variables == scope.variables:
            return scope
        scope = Scope(variables, parent)  # evaluate again: the new values may make others known


def _place(variables: dict[str, Any], block: Block, content: Mapping[str, Value]) -> None:
    names = [*block.name, *([block.label] if block.label else [])]
    for name in names[:-1]:
        variables = variables.setdefault(name, {})
    variables[names[-1]] = content


def _content(block: Block, source: Source, scope: Scope) -> dict[str, Value]:
    name = block.full_name
    catalog = load_catalog()
    entry = catalog.component(name) or catalog.block(name)
    content = _body(block.body, source, scope, entry.arguments if entry is not None else None)
    if name == "argument" and "default" in content:
        return {"value": content["default"]}
    return content


def _body(body: Iterable[Statement], source: Source, scope: Scope, spec: Spec | None) -> dict[str, Value]:
    content = BlockContent()
    for statement in body:
        name = statement.name.name if isinstance(statement, Attribute) else statement.full_name
        member = None if spec is None else spec.groups.get(name) or spec.lookup.get(name)
        if isinstance(statement, Attribute):
            secret = isinstance(member, AttributeSpec) and member.secret
            try:
                content[name] = _kept(evaluate(statement.value, source, scope), secret)
            except (DiagnosticsError, EvaluationError):
                continue  # it needs values that exist only while a configuration runs
        else:
            inner = member.body if isinstance(member, BlockSpec) else None
            content.setdefault(name, []).append(_body(statement.body, source, scope, inner))
    return content


def _kept(value: Value, secret: bool) -> Value:
    """A value as its attribute stores it: in a secret attribute, all texts become secrets."""
    if not secret:
        return value
    match value:
        case str():
            return Secret(value)
        case list() | tuple():
            return [_kept(item, secret) for item in value]
        case Mapping():
            return {key: _kept(item, secret) for key, item in value.items()}
    return value
