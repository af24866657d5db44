"""Data flow: which way data goes along the references of a graph, for the API and the metrics.

A reference to a receiver means that data goes from who refers to who owns it; any other export goes
the other way.
Source: docs/spec/RUNTIME.md, section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping

from alloypy.graph.admission import ComponentKind
from alloypy.graph.dag import Graph
from alloypy.graph.nodes import COMPONENT_KINDS, Kind
from alloypy.graph.references import Reference, chains, resolve
from alloypy.lang.types import CapsuleType, NullableType
from alloypy.schema.derive import spec_of
from alloypy.schema.spec import AttributeSpec


def data_flow(graph: Graph, registry: Mapping[str, ComponentKind]) -> dict[str, list[str]]:
    """Ids that data goes to, by the id it comes from; once for every reference."""
    flow: dict[str, list[str]] = {node.id: [] for node in graph if node.kind in COMPONENT_KINDS}
    for node in graph:
        if node.kind not in COMPONENT_KINDS:
            continue
        for chain in chains(node.body):
            reference = resolve(chain, graph)
            towards = _is_receiver(reference, registry) if reference is not None else None
            if reference is None or towards is None:
                continue
            source, target = (node.id, reference.target.id) if towards else (reference.target.id, node.id)
            flow[source].append(target)
    return flow


def _is_receiver(reference: Reference, registry: Mapping[str, ComponentKind]) -> bool | None:
    """Whether the reference means a receiver; None when it means no export of a component."""
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
