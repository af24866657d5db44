"""Blocks that configure the process: logging, tracing and the services.

Source: docs/spec/RUNTIME.md, sections 2.3, 5.1 to 5.5.
"""

from __future__ import annotations

from typing import Any

from alloypy.graph import texts
from alloypy.graph.nodes import Kind, Node
from alloypy.rules.further import NO_REMOTE_CONFIGURATION, NO_WINDOWS_LOG
from alloypy.runtime.blocks.http import HTTPArguments
from alloypy.runtime.blocks.process import (
    LabelstoreArguments,
    LiveDebuggingArguments,
    LoggingArguments,
    RemoteCfgArguments,
    TracingArguments,
)
from alloypy.runtime.contract.faults import CallError, NodeError, call_async
from alloypy.runtime.evaluating.evaluation import Evaluation
from alloypy.runtime.running.transaction import Serve
from alloypy.syntax.tree import Attribute

ARGUMENTS: dict[str, type[Any]] = {
    "http": HTTPArguments,
    "labelstore": LabelstoreArguments,
    "livedebugging": LiveDebuggingArguments,
    "logging": LoggingArguments,
    "remotecfg": RemoteCfgArguments,
    "tracing": TracingArguments,
}
"""Classes of the blocks' arguments; `cluster`, `otel` and `ui` have none."""


async def configure(evaluation: Evaluation, node: Node) -> None:
    """Evaluate a block that configures the process, or its defaults. Raises NodeError.

    Of several logging or tracing blocks with different labels, the last one evaluated wins.
    """
    cls = ARGUMENTS.get(node.name)
    if cls is None:
        if node.block is not None:
            raise NodeError(texts.not_configurable(node.name))
        return
    if node.name == "remotecfg":
        _refuse_remote(node)
    arguments = await evaluation.arguments(cls, node)
    if node.kind is Kind.LOGGING and arguments.destination == "windows_event_log":
        raise NodeError(NO_WINDOWS_LOG)
    await _offer(evaluation, node, arguments)


def _refuse_remote(node: Node) -> None:
    for statement in node.body:
        if isinstance(statement, Attribute) and statement.name.name == "url":
            raise NodeError(NO_REMOTE_CONFIGURATION)


async def _offer(evaluation: Evaluation, node: Node, arguments: Any) -> None:
    """Have the service check its arguments now, and apply them if the rest of the load succeeds."""
    evaluation.state.services[node.name] = arguments
    service = evaluation.context.options.services.get(node.name)
    before = evaluation.old.services.get(node.name) if evaluation.old is not None else None
    if service is None or arguments == before:
        return
    deadline = evaluation.context.options.evaluation_deadline
    try:
        await call_async(lambda: service.prepare(arguments), deadline)
        if node.kind is Kind.LOGGING and before is None:
            # Nothing runs yet that this could disturb, and the rest of the load needs its log.
            await call_async(lambda: service.update(arguments), deadline)
            return
    except CallError as error:
        verb = "could not update logger" if node.kind is Kind.LOGGING else "updating service"
        raise NodeError(f"{verb}: {error}") from None
    step = Serve(evaluation.context, evaluation.module, node, service, arguments, before)
    evaluation.transaction.steps.append(step)
