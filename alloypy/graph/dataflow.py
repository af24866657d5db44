"""Data flow: the direction of data along the references of a graph, for the API and the metrics.

Along a reference to a receiver, data flows from the component that refers to it to the one that exports
it; along a reference to any other export, it flows the other way. In the API, as in Alloy, nothing flows
along references to the exports of modules; where their values are known, it is as for components.
Source: docs/spec/RUNTIME.md, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from alloypy.graph.admission import ComponentKind
from alloypy.graph.dag import Graph
from alloypy.graph.nodes import COMPONENT_KINDS, Kind
from alloypy.graph.references import Reference, chains, resolve
from alloypy.lang.types import CapsuleType, NullableType
from alloypy.lang.values import Capsule
from alloypy.schema.derive import spec_of
from alloypy.schema.spec import AttributeSpec

Exported: TypeAlias = Callable[[str], Mapping[str, Any]]
"""The values that a custom component exports, by its id."""


def data_flow(
    graph: Graph, registry: Mapping[str, ComponentKind], exported: Exported | None = None
) -> dict[str, list[str]]:
    """The ids to which data flows, by the id from which it comes; once for every reference.

    exported: given where references to the exports of modules count, too.
    """
    flow: dict[str, list[str]] = {node.id: [] for node in graph if node.kind in COMPONENT_KINDS}
    for node in graph:
        if node.kind not in COMPONENT_KINDS:
            continue
        for chain in chains(node.body):
            reference = resolve(chain, graph)
            towards = _is_receiver(reference, registry, exported) if reference is not None else None
            if reference is None or towards is None:
                continue
            source, target = (node.id, reference.target.id) if towards else (reference.target.id, node.id)
            flow[source].append(target)
    return flow


def _is_receiver(
    reference: Reference, registry: Mapping[str, ComponentKind], exported: Exported | None
) -> bool | None:
    """Whether the reference means a receiver; None if it does not mean an export."""
    if reference.target.kind is Kind.CUSTOM and exported is not None and reference.rest:
        value = exported(reference.target.id).get(reference.rest[0])
        if isinstance(value, list) and value:
            value = value[0]
        return isinstance(value, Capsule) and value.receives
    if reference.target.kind is not Kind.COMPONENT:
        return None
    exports = registry[reference.target.name].exports
    if exports is None:
        return None
    member = spec_of(exports).lookup.get(".".join(reference.rest))
    if not isinstance(member, AttributeSpec):
        return None
    wanted = member.type.inner if isinstance(member.type, NullableType) else member.type
    return isinstance(wanted, CapsuleType) and wanted.cls.receives
