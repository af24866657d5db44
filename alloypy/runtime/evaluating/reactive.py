"""Reactions: when a node's exports change, only its direct dependants are evaluated again.

If their exports change in turn, the wave goes on.
Source: docs/spec/RUNTIME.md, section 2.5.
"""

from __future__ import annotations

from typing import Any

from alloypy.graph.nodes import Node
from alloypy.lang.equality import values_equal
from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.faults import NodeError
from alloypy.runtime.contract.options import NoObserver
from alloypy.runtime.evaluating.components import published_exports
from alloypy.runtime.evaluating.dispatch import EVALUATORS
from alloypy.runtime.evaluating.evaluation import Evaluation, Shared
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.instances import ComponentInstance, CustomInstance, Instance
from alloypy.runtime.running.modules import Module, State, present
from alloypy.runtime.running.transaction import StepError, Transaction
from alloypy.runtime.running.values import OccupiedError


async def react(context: Context) -> None:
    """Evaluate the dependants of changed nodes, until cancelled."""
    while True:
        await context.changes.wait()
        async with context.evaluating:
            try:
                await _react_once(context)
            except Exception as error:
                # Only a bug of ours gets here; it must not stop all later reactions.
                fields = {"err": f"{type(error).__name__}: {error}"}
                context.root.log.error("failed to evaluate dependants", extra={"fields": fields})


async def restart(context: Context) -> None:
    """Rebuild failed components, until cancelled."""
    while True:
        failed = await context.restarts.next()
        async with context.evaluating:
            try:
                await _restart_once(context, failed)
            except Exception as error:
                fields = {"node": failed.id, "err": f"{type(error).__name__}: {error}"}
                context.root.log.error("failed to restart component", extra={"fields": fields})


async def _restart_once(context: Context, failed: ComponentInstance) -> None:
    module, state = failed.module, failed.module.state
    tree = present(context.root)
    if state is None or tree is None or failed not in tree.instances():
        return  # a load has replaced it, or its module is gone
    module.log.info("restarting component", extra={"fields": {"node": failed.id}})
    await _evaluate_again(context, module, state.graph[failed.id], context.options.clock(), rebuild=True)
    if module.state is not None and module.state.live.get(failed.id) is failed:
        context.restarts.add(failed)


async def _react_once(context: Context) -> None:
    dependants: dict[tuple[Module, str], float] = {}
    for (module, node_id), since in context.changes.take().items():
        state = module.state
        if state is None or node_id not in state.graph:
            continue
        _publish(state, node_id)
        for dependant in state.graph.dependants(node_id):
            earlier = dependants.get((module, dependant.id), since)
            dependants[module, dependant.id] = min(earlier, since)
    for module in dict.fromkeys(module for module, _ in dependants):
        for node in module.state.order if module.state is not None else ():
            changed = dependants.get((module, node.id))
            if changed is not None:
                await _evaluate_again(context, module, node, changed)
                await context.pace.breathe()


def _publish(state: State, node_id: str) -> None:
    """Let references to a node see its current exports."""
    instance = state.live.get(node_id)
    try:
        if isinstance(instance, ComponentInstance):
            state.values.set_exports(node_id, published_exports(instance.registration, instance.exports))
        elif isinstance(instance, CustomInstance):
            state.values.set_exports(node_id, dict(instance.exports))
        elif instance is not None and instance.definitions is not None:
            state.built.definitions.imports[instance.label] = instance.definitions
    except OccupiedError:
        # The load has reported it; the value in the way stays.
        return


async def _evaluate_again(
    context: Context, module: Module, node: Node, changed: float, *, rebuild: bool = False
) -> None:
    """Evaluate one node of a running module; a failure leaves it as it was, and shows in its health.

    rebuild: also evaluate a node whose run has ended, which builds it again.
    """
    clock = context.options.clock
    observer = context.options.observer if module.show_metrics else NoObserver()
    state, started = module.state, clock()
    if state is None:
        return
    observer.waited(module.id, started - changed)
    instance = state.live.get(node.id)
    if instance is not None and instance.ended and not rebuild:
        return
    module.evaluating = True
    try:
        await _evaluate(context, module, state, node)
    except (NodeError, StepError) as error:
        if instance is not None:
            instance.evaluation_failed(str(error))
        fields = {"node": node.id, "err": str(error)}
        module.log.error("failed to evaluate config", extra={"fields": fields})
    finally:
        module.evaluating = False
        seconds = clock() - started
        observer.evaluated(module.id, node.id, seconds)
        fields_done = {"node_id": node.id, "duration": Duration(seconds * 1e9)}
        module.log.debug("finished node evaluation", extra={"fields": fields_done})


async def _evaluate(context: Context, module: Module, old: State, node: Node) -> None:
    before = _exported(old.live.get(node.id))
    transaction = Transaction(context)
    new = old.copy()
    transaction.staged[module] = new
    evaluation = Evaluation(Shared(context, transaction, EVALUATORS), module, new, whole=False)
    try:
        await evaluation.node(node)
        for failed in transaction.close():
            raise failed
    except BaseException:
        transaction.drop()
        raise
    transaction.adopt(module, new)
    await transaction.commit()
    if not _same(before, _exported(new.live.get(node.id))):
        context.changes.add(module, node.id)
    if not values_equal(old.exports, new.exports):
        _pass_outside(context, module, new)


def _exported(instance: Instance | None) -> Any:
    if isinstance(instance, ComponentInstance | CustomInstance):
        return instance.exports
    return instance.definitions if instance is not None else None


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return values_equal(before, after)
    return bool(before == after)


def _pass_outside(context: Context, module: Module, state: State) -> None:
    """Pass a module's changed exports to the custom component it belongs to."""
    outside = module.parent.state if module.parent is not None else None
    custom = outside.live.get(module.node) if outside is not None else None
    if isinstance(custom, CustomInstance) and module.parent is not None:
        custom.exports = dict(state.exports)
        context.changes.add(module.parent, module.node)
