"""Labels that discovery in Kubernetes and Docker does not set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.check.lint.relabeling import known, labels_made, lent_rules, pod_label_rule, rule_lists
from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.check.scope import CheckedNode
from alloypy.graph.nodes import Kind
from alloypy.lang.types import StringType
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Access, Attribute, Block, Call, Expression, Identifier

_KUBERNETES = "__meta_kubernetes_"
_DOCKER = "__meta_docker_"
_META = "__meta_"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAMES = {
    _KUBERNETES: _words("""
        endpoint_address_target_kind endpoint_address_target_name endpoint_hostname endpoint_node_name
        endpoint_port_name endpoint_port_protocol endpoint_ready endpoints_name
        endpointslice_address_target_kind endpointslice_address_target_name endpointslice_address_type
        endpointslice_endpoint_conditions_ready endpointslice_endpoint_conditions_serving
        endpointslice_endpoint_conditions_terminating endpointslice_endpoint_hostname
        endpointslice_endpoint_node_name endpointslice_endpoint_zone endpointslice_name endpointslice_port
        endpointslice_port_app_protocol endpointslice_port_name endpointslice_port_protocol
        ingress_class_name ingress_host ingress_name ingress_path ingress_scheme namespace
        node_name node_provider_id pod_container_id pod_container_image pod_container_init
        pod_container_name pod_container_port_name pod_container_port_number pod_container_port_protocol
        pod_controller_kind pod_controller_name pod_cronjob_name pod_deployment_name pod_host_ip pod_ip
        pod_job_name pod_name pod_node_name pod_phase pod_ready pod_uid podlogs_name podlogs_namespace
        service_cluster_ip service_external_name service_loadbalancer_ip service_name service_port_name
        service_port_number service_port_protocol service_type
    """),
    _DOCKER: _words("""
        container_id container_log_stream container_name container_network_mode
        network_id network_ingress network_internal network_ip network_name network_scope port_private
        port_public port_public_ip
    """),
}
"""The labels that discovery in Kubernetes and Docker sets, without their beginning."""

_OPEN = {
    _KUBERNETES: re.compile(
        r"(pod|service|endpoints|endpointslice|ingress|node|namespace|podlogs)_(label|annotation)(present)?_"
        r"|node_(address|condition)_|endpointslice_endpoint_topology_"
    ),
    _DOCKER: re.compile(r"(container|network)_label_"),
}
"""The beginnings of labels whose names depend on what is discovered."""

_TYPO = 0.88
"""How similar (from 0 to 1) a name must be to be what was meant, not another label."""

_OTHER_SOURCES = frozenset({"discovery.http", "discovery.file", "import.file", "import.git", "import.http"})
"""Blocks that may bring labels of any name."""


def _misspelt(view: View) -> Iterator[Diagnostic]:
    """Source labels that neither discovery nor anything in the configuration sets; looks at all modules."""
    if not view.is_root or any(node.name in _OTHER_SOURCES for each in view.all for node in each.nodes):
        return
    found = [
        (body, name, better)
        for each in view.all
        if each.own
        for rules in rule_lists(each)
        for body in rules
        for name in known(body, "source_labels") or ()
        if (better := _unknown(name)) is not None
    ]
    made = labels_made(view) if found else ()
    for body, name, better in found:
        attribute = body.written("source_labels")
        if attribute is not None and name not in made:
            span = Span(body.source, attribute.start, attribute.end)
            yield finding(
                span, f"no discovery sets the label {name}", f"did you mean {better}?" if better else ""
            )


def _unknown(name: str) -> str | None:
    """None if discovery may set a label, else the name that is most like it, or ""."""
    for start, names in _NAMES.items():
        rest = name.removeprefix(start)
        if rest != name and rest not in names and not _OPEN[start].match(rest):
            from difflib import get_close_matches

            near = get_close_matches(rest, sorted(names), 1, _TYPO)
            return start + near[0] if near else ""
    return None


_BY_ROLE = {
    "pod": ("pod_", "namespace"),
    "service": ("service_", "namespace"),
    "endpoints": ("endpoint_", "endpoints_", "service_", "pod_", "namespace"),
    "endpointslice": ("endpointslice_", "service_", "pod_", "namespace"),
    "node": ("node_",),
    "ingress": ("ingress_", "namespace"),
}
"""How the labels begin that discovery in Kubernetes sets for a role, after what they all begin with."""

_WITH_NODES = frozenset({"pod", "endpoints", "endpointslice"})


def _of_another_role(view: View) -> Iterator[Diagnostic]:
    """Source labels that the discovery from which the targets come does not set."""
    if not view.of_kind(Kind.COMPONENT):
        return
    found = []
    for body in view.bodies():
        if body.path == "discovery.relabel/rule" and body.outer is not None:
            labels = tuple(name for name in known(body, "source_labels") or () if name.startswith(_META))
            sources = _sources(view, body.outer) if labels else None
            if sources:
                found += [(body, name, sources) for name in labels if not name.startswith(sources.starts)]
    made = labels_made(view) if found else ()
    lent = lent_rules(view) if found else set()
    for body, name, sources in found:
        attribute = body.written("source_labels")
        if attribute is not None and name not in made and body.node.id not in lent and _unknown(name) is None:
            span = Span(body.source, attribute.start, attribute.end)
            yield finding(
                span, f"{sources.name} does not set the label {name}", _role_hint(name, sources.name)
            )


class _Sources(NamedTuple):
    """Where targets come from: the names of the blocks, and how the labels begin that they set."""

    name: str
    starts: tuple[str, ...]


def _sources(view: View, relabel: Body) -> _Sources | None:
    """Where the targets of a discovery.relabel come from, if it is only discovery that is known here."""
    attribute = relabel.written("targets")
    values = _parts(view, attribute.value) if attribute is not None else []
    found = [_source(view, value) for value in values]
    if not found or None in found:
        return None
    return _Sources(
        " or ".join(each.name for each in found if each is not None),
        tuple(start for each in found if each is not None for start in each.starts),
    )


def _parts(view: View, value: Expression) -> list[Expression]:
    """The lists that array.concat puts together, or the value itself."""
    if isinstance(value, Call) and view.function(value) in {"array.concat", "concat"}:
        return [part for arg in value.args for part in _parts(view, arg)]
    return [value]


def _source(view: View, value: Expression) -> _Sources | None:
    """What is known about one list of targets, if it comes directly from a discovery."""
    names: list[str] = []
    while isinstance(value, Access):
        names.append(value.name.name)
        value = value.value
    if not isinstance(value, Identifier) or len(names) != 3 or names[0] != "targets":
        return None
    node = view.scope.find(f"{value.name}.{names[2]}.{names[1]}")
    if node is None or node.kind is not Kind.COMPONENT:
        return None
    if node.name == "discovery.docker":
        return _Sources(node.id, (_DOCKER,))
    return _kubernetes(view, node) if node.name == "discovery.kubernetes" else None


def _kubernetes(view: View, node: CheckedNode) -> _Sources | None:
    role, with_nodes = None, False
    for statement in node.body:
        if isinstance(statement, Attribute) and statement.name.name == "role":
            try:
                role = view.decided(statement.value, StringType())
            except Undecided:
                return None
        elif isinstance(statement, Block) and statement.full_name == "attach_metadata":
            with_nodes = True
    starts = _BY_ROLE.get(str(role))
    if starts is None:
        return None
    if with_nodes and role in _WITH_NODES:
        starts = (*starts, "node_")
    return _Sources(f"{node.id} (role {role})", tuple(f"{_KUBERNETES}{start}" for start in starts))


def _role_hint(name: str, source: str) -> str:
    if name.startswith(f"{_KUBERNETES}node_") and "(role node)" not in source:
        if name == f"{_KUBERNETES}node_name" and "(role pod)" in source:
            return f"write {_KUBERNETES}pod_node_name"
        return "attach_metadata adds the labels of nodes"
    return ""


RULES = (
    Rule(
        "ALY0929",
        "label that no discovery sets",
        "Discovery in Kubernetes and Docker sets no such label, and nothing else in the configuration does. "
        "The rule reads an empty text.",
        wrong=pod_label_rule("contianer_name", "container"),
        right=pod_label_rule("container_name", "container"),
        default=True,
        check=_misspelt,
    ),
    Rule(
        "ALY0930",
        "label of another kind of discovery",
        "Discovery sets only the labels of what it looks for: with the role node those of nodes, with the "
        "role pod those of pods, and discovery.docker those of containers. The rule reads an empty text.",
        wrong=pod_label_rule("name", "pod").replace('role = "pod"', 'role = "node"'),
        right=pod_label_rule("name", "pod"),
        default=True,
        check=_of_another_role,
    ),
)
