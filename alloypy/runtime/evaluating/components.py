"""Components: their arguments, what is built from them, and the exports that references see.

Source: docs/spec/RUNTIME.md, sections 2.2, 2.4.
"""

from __future__ import annotations

from typing import Any

from alloypy.graph.nodes import Node
from alloypy.lang.conversion import zero
from alloypy.runtime.contract.component import Registration
from alloypy.runtime.contract.faults import CallError, NodeError, call, call_async
from alloypy.runtime.evaluating.evaluation import Evaluation
from alloypy.runtime.running.instances import ComponentInstance
from alloypy.runtime.running.transaction import Update
from alloypy.schema.derive import spec_of
from alloypy.schema.encode import to_value, to_values


async def evaluate_component(evaluation: Evaluation, node: Node) -> None:
    """Evaluate a component, build it if it is new, and publish its exports. Raises NodeError."""
    registration = evaluation.context.options.registry[node.name]
    old = evaluation.living(node, ComponentInstance)
    try:
        exports = await _update(evaluation, node, registration, old)
    except NodeError:
        evaluation.publish(node, published_exports(registration, old.exports if old is not None else None))
        raise
    evaluation.publish(node, published_exports(registration, exports))


async def _update(
    evaluation: Evaluation, node: Node, registration: Registration, old: ComponentInstance | None
) -> Any:
    """Evaluate a component's arguments and prepare what they require; the exports it will have."""
    arguments = await evaluation.arguments(registration.arguments, node)
    if old is None:
        return await _build(evaluation, node, registration, arguments)
    if old.arguments == arguments:
        evaluation.settle(node, old, new=False)
        return old.exports
    with old.sockets.claiming(evaluation.transaction.claims):
        try:
            forecast = await call_async(
                lambda: old.component.prepare_update(arguments),
                evaluation.context.options.evaluation_deadline,
            )
        except CallError as error:
            raise NodeError(f"updating component: {error}") from None
    evaluation.state.live[node.id] = old
    evaluation.transaction.nodes[old] = node
    evaluation.transaction.steps.append(Update(evaluation.context, node, old, arguments, forecast))
    return old.exports if forecast is None else forecast


async def _build(evaluation: Evaluation, node: Node, registration: Registration, arguments: Any) -> Any:
    context = evaluation.context

    def make() -> ComponentInstance:
        return ComponentInstance(
            node, evaluation.module, registration, arguments, context.options, context.exports_changed
        )

    try:
        instance = call(make)
        with instance.sockets.claiming(evaluation.transaction.claims):
            await call_async(instance.component.prepare, context.options.evaluation_deadline)
    except CallError as error:
        raise NodeError(f"building component: {error}") from None
    evaluation.settle(node, instance, new=True)
    return instance.exports


def published_exports(registration: Registration, exports: Any) -> dict[str, Any]:
    """Exports as references see them; zero values for a component that has not exported yet."""
    if exports is not None:
        return to_values(exports)
    if registration.exports is None:
        return {}
    spec = spec_of(registration.exports)
    return {each.name: to_value(zero(each.type), each.type) for each in spec.attributes}
