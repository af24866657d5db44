"""What goes into a module and comes out of it: `argument` and `export` blocks.

Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

from alloypy.graph import texts
from alloypy.graph.nodes import Node
from alloypy.runtime.blocks.modules import ArgumentArguments, ExportArguments
from alloypy.runtime.contract.faults import NodeError
from alloypy.runtime.evaluating.evaluation import Evaluation


async def evaluate_argument(evaluation: Evaluation, node: Node) -> None:
    """Evaluate an `argument` block. Raises NodeError.

    An argument that the module was not given must be optional; that error precedes any other.
    """
    fault, arguments = None, None
    try:
        arguments = await evaluation.arguments(ArgumentArguments, node)
    except NodeError as error:
        fault = error
    if node.label in evaluation.state.arguments:
        if fault is not None:
            raise fault
    elif arguments is None or not arguments.optional:
        raise NodeError(texts.argument_missing(node.label))
    else:
        evaluation.state.values.set_argument(node.label, arguments.default)


async def evaluate_export(evaluation: Evaluation, node: Node) -> None:
    """Evaluate an `export` block and store its value. Raises NodeError."""
    arguments = await evaluation.arguments(ExportArguments, node)
    evaluation.state.exports[node.label] = arguments.value
