"""Snapshots: what the controller reports about components and modules, as they are now.

Source: docs/spec/RUNTIME.md, sections 4, 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from alloypy.graph.dataflow import data_flow
from alloypy.graph.nodes import COMPONENT_KINDS, Kind, Node
from alloypy.runtime.contract.component import Table
from alloypy.runtime.contract.options import (
    ComponentInfo,
    ControllerInfo,
    ImportInfo,
    MetricsSource,
    Outline,
    Passage,
)
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.instances import ComponentInstance, CustomInstance, ForeachInstance, Instance
from alloypy.runtime.running.modules import Branch, present


def branches(context: Context) -> Iterator[Branch]:
    """The root and every module, as they are; nothing before the first load."""
    tree = present(context.root)
    if tree is not None:
        yield from tree.modules()


def _branch(context: Context, module: str) -> Branch:
    """One module. Raises KeyError."""
    for each in branches(context):
        if each.module.id == module:
            return each
    raise KeyError(module)


def module_ids(context: Context) -> list[str]:
    """The ids of all modules, "" for the root."""
    return [each.module.id for each in branches(context)]


def component_infos(context: Context, module: str) -> list[ComponentInfo]:
    """The components of a module, in evaluation order. Raises KeyError for an unknown module."""
    if module == "" and context.root.state is None:
        return []
    where = _branch(context, module)
    flow = data_flow(where.state.graph, context.options.registry)
    return [
        _info(where, node, where.state.live[node.id], tuple(sorted(flow[node.id])))
        for node in where.state.order
        if node.kind in COMPONENT_KINDS and node.id in where.state.live
    ]


def component_info(context: Context, module: str, local_id: str) -> ComponentInfo:
    """One component. Raises KeyError."""
    where, node, instance = _found(context, module, local_id)
    flow = data_flow(where.state.graph, context.options.registry)
    return _info(where, node, instance, tuple(sorted(flow[node.id])))


def component_tables(context: Context, module: str, local_id: str) -> Sequence[Table]:
    """The figures about the parts of a component. Raises KeyError."""
    instance = _found(context, module, local_id)[2]
    return instance.tables() if isinstance(instance, ComponentInstance) else ()


def _found(context: Context, module: str, local_id: str) -> tuple[Branch, Node, Instance]:
    """A component with its module. Raises KeyError."""
    where = _branch(context, module)
    instance = where.state.live[local_id]
    node = next(each for each in where.state.order if each.id == local_id)
    if node.kind not in COMPONENT_KINDS:
        raise KeyError(local_id)
    return where, node, instance


def outlines(context: Context) -> Iterator[Outline]:
    """The components of all modules, in evaluation order."""
    for where in branches(context):
        flow = data_flow(where.state.graph, context.options.registry, partial(_exported, where))
        for node in where.state.order:
            if node.kind in COMPONENT_KINDS and node.id in where.state.live:
                yield Outline(
                    node.id,
                    where.module.id,
                    node.name,
                    node.label,
                    tuple(sorted(set(flow[node.id]))),
                    tuple(each.id for each in where.state.children.get(node.id, ())),
                    _place(node),
                )


def _exported(where: Branch, node_id: str) -> Mapping[str, Any]:
    """What a custom component exports at the moment."""
    instance = where.state.live.get(node_id)
    return instance.exports if isinstance(instance, CustomInstance) else {}


def passages(context: Context) -> Iterator[Passage]:
    """The health of every component, and what has passed through it."""
    for where in branches(context):
        for node in where.state.order:
            instance = where.state.live.get(node.id)
            if instance is not None and node.kind in COMPONENT_KINDS:
                flow = instance.flow() if isinstance(instance, ComponentInstance) else None
                yield Passage(instance.global_id, instance.health, flow)


def import_infos(context: Context) -> Iterator[ImportInfo]:
    """The imports of all modules."""
    for where in branches(context):
        for node in where.state.order:
            instance = where.state.live.get(node.id)
            if instance is not None and node.kind is Kind.IMPORT:
                yield ImportInfo(instance.global_id, instance.health, _place(node))


def _place(node: Node) -> str:
    return str(node.span) if node.span is not None else ""


def _info(where: Branch, node: Node, instance: Instance, flow: tuple[str, ...]) -> ComponentInfo:
    graph = where.state.graph
    arguments, exports, debug_info = _contents(instance)
    return ComponentInfo(
        id=node.id,
        module=where.module.id,
        name=node.name,
        label=node.label,
        health=instance.health,
        references=_components(graph.dependencies(node.id)),
        referenced_by=_components(graph.dependants(node.id)),
        data_flow=flow,
        arguments=arguments,
        exports=exports,
        debug_info=debug_info,
        modules=tuple(each.id for each in where.state.children.get(node.id, ())),
        place=_place(node),
    )


def _contents(instance: Instance) -> tuple[object, object, object]:
    if isinstance(instance, ComponentInstance):
        shown = instance.component.shown_arguments(instance.arguments)
        return shown, instance.exports, instance.debug_info()
    if isinstance(instance, CustomInstance):
        return instance.arguments, instance.exports, None
    if isinstance(instance, ForeachInstance):
        return instance.arguments, None, None
    return None, None, None


def _components(nodes: list[Node]) -> tuple[str, ...]:
    return tuple(sorted(node.id for node in nodes if node.kind in COMPONENT_KINDS))


def controller_infos(context: Context) -> list[ControllerInfo]:
    """The root and every module that shows its metrics."""
    infos = []
    for each in branches(context):
        if not each.module.show_metrics:
            continue
        flow = data_flow(each.state.graph, context.options.registry)
        pairs = dict.fromkeys((source, to) for source, targets in flow.items() for to in targets)
        infos.append(
            ControllerInfo(
                id=each.module.id,
                path=each.module.path,
                name=each.module.name,
                evaluating=each.module.evaluating,
                healths=tuple(instance.health for instance in each.state.live.values()),
                queued=context.changes.count(each.module),
                connections=tuple(pairs),
            )
        )
    return infos


def metrics_sources(context: Context) -> Iterator[MetricsSource]:
    """The metrics of every component that has any and may show them."""
    for each in branches(context):
        if not each.module.show_metrics:
            continue
        for instance in each.state.live.values():
            if isinstance(instance, ComponentInstance) and instance.registry is not None:
                path = f"/{each.module.id}"
                yield MetricsSource(path, instance.id, instance.registry.collect)


def unhealthy_names(context: Context) -> list[str]:
    """Names of the root's components in state unhealthy, and of components anywhere that have failed."""
    names = []
    for where in branches(context):
        for node in where.state.order:
            instance = where.state.live.get(node.id)
            if instance is None or node.kind not in COMPONENT_KINDS:
                continue
            unhealthy = where.module is context.root and instance.health.state.text == "unhealthy"
            if unhealthy or instance.failed:
                names.append(instance.name)
    return names
