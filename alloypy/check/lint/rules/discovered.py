"""Labels that discovery in Kubernetes and Docker does not set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.check.lint.relabeling import known, rule_lists
from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import View
from alloypy.lang.evaluation.literals import string_value
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Object

_KUBERNETES = "__meta_kubernetes_"
_DOCKER = "__meta_docker_"


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
    made = _made(view) if found else set()
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


def _made(view: View) -> set[str]:
    """The names of labels that the configuration itself sets, in rules or in targets."""
    made = {str(known(body, "target_label")) for each in view.all for r in rule_lists(each) for body in r}
    for each in view.all:
        for written in each.expressions(Object):
            made |= {string_value(f'"{f.name}"') if f.quoted else f.name for f in written.expression.fields}
    return made


def _relabel(source: str, target: str) -> str:
    return (
        'discovery.kubernetes "pods" { role = "pod" }\n'
        'discovery.relabel "pods" {\n'
        "  targets = discovery.kubernetes.pods.targets\n"
        "  rule {\n"
        f'    source_labels = ["__meta_kubernetes_pod_{source}"]\n'
        f'    target_label  = "{target}"\n'
        "  }\n"
        "}\n"
    )


RULES = (
    Rule(
        "ALY0929",
        "label that no discovery sets",
        "Discovery in Kubernetes and Docker sets no such label, and nothing else in the configuration does. "
        "The rule reads an empty text.",
        wrong=_relabel("contianer_name", "container"),
        right=_relabel("container_name", "container"),
        default=True,
        check=_misspelt,
    ),
)
