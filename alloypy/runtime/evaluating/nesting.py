"""Nodes that have modules of their own: custom components and foreach.

Source: docs/spec/RUNTIME.md, sections 5.6, 5.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alloypy.graph import texts
from alloypy.graph.definitions import MAX_MODULES, TOO_MANY_MODULES, Definitions, Template
from alloypy.graph.nodes import Node, split_custom_name
from alloypy.graph.sections import body_sections
from alloypy.lang.evaluation.evaluator import evaluate
from alloypy.runtime.blocks.modules import ForeachArguments
from alloypy.runtime.contract.faults import NodeError, evaluate_body
from alloypy.runtime.evaluating.evaluation import Evaluation
from alloypy.runtime.evaluating.foreach import child_ids, split_template
from alloypy.runtime.evaluating.loading import load_module
from alloypy.runtime.running.instances import CustomInstance, ForeachInstance
from alloypy.runtime.running.modules import Module, State
from alloypy.runtime.running.transaction import Assign
from alloypy.schema import texts as body_texts
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Block


async def evaluate_custom(evaluation: Evaluation, node: Node) -> None:
    """Evaluate a custom component and its module. Raises NodeError."""
    try:
        arguments = await evaluate_body(
            lambda: _free_arguments(evaluation, node), evaluation.body(node), evaluation.scope
        )
    finally:
        evaluation.publish(node, {})
    namespace, name = split_custom_name(node.name)
    found = evaluation.state.built.definitions.find(namespace, name)
    if found is None:
        raise NodeError(texts.custom_unknown(namespace, name))
    template, home = found
    old = evaluation.living(node, CustomInstance)
    if old is not None and evaluation.old is not None:
        instance, module = old, evaluation.old.children[node.id][0]
    else:
        instance = CustomInstance(node, evaluation.module)
        module = Module(evaluation.module.global_id(node.id), evaluation.module, node.id)
    definitions = Definitions(home, home.variables)
    try:
        state = await _load(evaluation, module, template, definitions, arguments)
    except NodeError as fault:
        raise fault.within(texts.UPDATING) from None
    evaluation.state.children[node.id] = (module,)
    evaluation.transaction.steps.append(Assign(instance, arguments=arguments, exports=dict(state.exports)))
    evaluation.settle(node, instance, new=old is None)
    evaluation.publish(node, dict(state.exports))


def _free_arguments(evaluation: Evaluation, node: Node) -> dict[str, Any]:
    """The values of a body's attributes, whatever their names; blocks are not supported there."""
    given: dict[str, Any] = {}
    for statement in node.body:
        if isinstance(statement, Block):
            span = Span(node.source, statement.start, statement.end)
            raise DiagnosticsError([Diagnostic(span, body_texts.NESTED_BLOCKS, body_texts.CODES["nested"])])
        given[statement.name.name] = evaluate(statement.value, node.source, evaluation.scope)
    return given


async def _load(
    evaluation: Evaluation,
    module: Module,
    template: Template,
    definitions: Definitions,
    arguments: Mapping[str, Any],
) -> State:
    """Evaluate a module made from a template. Raises NodeError, also for recursion and too many levels."""
    if any(template.body is outer for outer in evaluation.state.templates):
        raise NodeError(texts.contains_itself(module.node))
    if len(evaluation.state.templates) >= MAX_MODULES:
        raise NodeError(TOO_MANY_MODULES)
    allow_recursion()
    templates = (*evaluation.state.templates, template.body)
    try:
        sections = body_sections(template.body, template.source)
        return await load_module(evaluation.shared, module, sections, definitions, arguments, templates)
    except DiagnosticsError as error:
        raise NodeError(str(error), error.diagnostics) from None


async def evaluate_foreach(evaluation: Evaluation, node: Node) -> None:
    """Evaluate a foreach and a module for every item of its collection. Raises NodeError."""
    body, template = split_template(node.body, node.source)
    if template is None:
        raise NodeError(texts.NO_TEMPLATE)
    arguments = await evaluation.arguments(ForeachArguments, node, body)
    old = evaluation.living(node, ForeachInstance)
    instance = ForeachInstance(node, evaluation.module) if old is None else old
    former: dict[str, Module] = {}
    if old is not None and evaluation.old is not None:
        former = {each.id: each for each in evaluation.old.children.get(node.id, ())}
    modules = []
    ids = child_ids(arguments, instance.log)
    for child_id, item in zip(ids, arguments.collection, strict=True):
        module_id = f"{evaluation.module.global_id(node.id)}/{child_id}"
        module = former.get(module_id) or Module(module_id, evaluation.module, node.id)
        variables = evaluation.state.values.variables() | {arguments.var: item}
        definitions = Definitions(evaluation.state.built.definitions, variables)
        try:
            await _load(evaluation, module, template, definitions, {})
        except NodeError as fault:
            raise fault.within(texts.UPDATING_ITEM) from None
        shown = evaluation.module.show_metrics and arguments.enable_metrics
        evaluation.transaction.steps.append(Assign(module, show_metrics=shown))
        modules.append(module)
    evaluation.state.children[node.id] = tuple(modules)
    then = instance.updated if old is not None else _nothing
    evaluation.transaction.steps.append(Assign(instance, then, arguments=arguments))
    evaluation.settle(node, instance, new=old is None)
    evaluation.publish(node, {})


def _nothing() -> None:
    """The step after the first evaluation of a foreach: none."""
