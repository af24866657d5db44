"""Which function evaluates which kind of node.

Evaluators that most configurations do not need are imported on first use.
"""

from __future__ import annotations

from alloypy.graph.nodes import Kind, Node
from alloypy.runtime.evaluating.components import evaluate_component
from alloypy.runtime.evaluating.config_blocks import configure
from alloypy.runtime.evaluating.evaluation import Evaluation, Evaluators


async def _custom(evaluation: Evaluation, node: Node) -> None:
    from alloypy.runtime.evaluating.nesting import evaluate_custom

    await evaluate_custom(evaluation, node)


async def _foreach(evaluation: Evaluation, node: Node) -> None:
    from alloypy.runtime.evaluating.nesting import evaluate_foreach

    await evaluate_foreach(evaluation, node)


async def _import(evaluation: Evaluation, node: Node) -> None:
    from alloypy.runtime.evaluating.imports import evaluate_import

    await evaluate_import(evaluation, node)


async def _argument(evaluation: Evaluation, node: Node) -> None:
    from alloypy.runtime.evaluating.module_ports import evaluate_argument

    await evaluate_argument(evaluation, node)


async def _export(evaluation: Evaluation, node: Node) -> None:
    from alloypy.runtime.evaluating.module_ports import evaluate_export

    await evaluate_export(evaluation, node)


EVALUATORS: Evaluators = {
    Kind.COMPONENT: evaluate_component,
    Kind.CUSTOM: _custom,
    Kind.FOREACH: _foreach,
    Kind.IMPORT: _import,
    Kind.LOGGING: configure,
    Kind.TRACING: configure,
    Kind.SERVICE: configure,
    Kind.ARGUMENT: _argument,
    Kind.EXPORT: _export,
}
"""A declare itself is not evaluated, only its instances."""
