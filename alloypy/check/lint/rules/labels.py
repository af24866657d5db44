"""Labels that never exist, cannot be set, or have ever new values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from alloypy.check.lint.regexes import matches_every
from alloypy.check.lint.relabeling import known, rule_lists
from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.go.text import quote
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Literal, Object

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

_OTHER_SOURCES = frozenset({"discovery.http", "discovery.file", "otelcol.receiver.prometheus"})
"""Components that may bring labels of any name."""

_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRICT = ("loki.relabel/", "prometheus.", "pyroscope.relabel/")
"""Where a replace rule sets no labels with other names."""

_EVER_NEW = frozenset({
    f"{_KUBERNETES}pod_uid",
    f"{_KUBERNETES}pod_container_id",
    f"{_DOCKER}container_id",
})  # fmt: skip

_EVER_NEW_IDS = _words("""
    clientip correlationid remoteaddr remoteip requestid sessionid spanid timestamp traceid transactionid
    userid
""")
"""What log lines carry with ever new values, in lower case without `_`, `-` and `.`."""

_POD_LABELS = re.compile(_KUBERNETES + r"pod_(label|annotation)_\(\.[+*]\)")
_REMOVING = ("stage.label_keep", "stage.structured_metadata", "stage.pack")


def _misspelt(view: View) -> Iterator[Diagnostic]:
    """Source labels that neither discovery nor anything in the configuration sets."""
    rules = [body for each in rule_lists(view) for body in each]
    if not rules or any(node.name in _OTHER_SOURCES for each in view.all for node in each.nodes):
        return
    made = _made(view)
    for body in rules:
        attribute = body.written("source_labels")
        for name in known(body, "source_labels") or ():
            better = _unknown(name) if name not in made else None
            if attribute is not None and better is not None:
                span = Span(body.source, attribute.start, attribute.end)
                hint = f"did you mean {better}?" if better else ""
                yield finding(span, f"no discovery sets the label {name}", hint)


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


def _not_settable(view: View) -> Iterator[Diagnostic]:
    for rules in rule_lists(view):
        for body in rules:
            target, attribute = known(body, "target_label"), body.written("target_label")
            strict = body.path.startswith(_STRICT) and known(body, "action") == "replace"
            if not strict or not target or "$" in target or attribute is None:
                continue
            if not _LABEL_NAME.fullmatch(target):
                span = Span(body.source, attribute.start, attribute.end)
                message = f"the rule does nothing: {quote(target)} is not a name that it may set"
                yield finding(span, message, "use only letters, digits and _, and no digit at the beginning")


def _ever_new(view: View) -> Iterator[Diagnostic]:
    if any(_may_remove(each) for each in view.all):
        return
    for rules in rule_lists(view):
        for body in rules:
            yield from _from_discovery(body)
    for body in view.bodies():
        if body.path.startswith("loki.process/") and body.syntax.full_name == "stage.labels":
            yield from _from_lines(view, body)


def _may_remove(view: View) -> bool:
    """Whether something in the module takes labels away again."""
    drops = ("labeldrop", "labelkeep")
    return any(known(body, "action") in drops for rules in rule_lists(view) for body in rules) or any(
        body.syntax.full_name in {*_REMOVING, "stage.label_drop"} for body in view.bodies()
    )


def _from_discovery(body: Body) -> Iterator[Diagnostic]:
    action, regex = known(body, "action"), known(body, "regex")
    if action == "replace":
        target, sources = known(body, "target_label"), known(body, "source_labels")
        new = next((name for name in sources or () if name in _EVER_NEW), None)
        whole = regex is not None and matches_every(regex.text)
        copies = whole and known(body, "replacement") in {"$0", "$1", "${0}", "${1}"}
        if new and copies and target and not target.startswith("__"):
            yield finding(body.head, f"the label {target} is new for each container or pod")
    elif action == "labelmap" and known(body, "replacement") in {"$1", "${1}"}:
        pods = regex is not None and _POD_LABELS.fullmatch(regex.text)
        if pods:
            yield finding(
                body.head, "every label or annotation of a pod becomes a label", "name those that are needed"
            )


def _from_lines(view: View, body: Body) -> Iterator[Diagnostic]:
    attribute = body.written("values")
    if attribute is None or not isinstance(attribute.value, Object):
        return
    for field in attribute.value.fields:
        name = string_value(f'"{field.name}"') if field.quoted else field.name
        source = _source(view, field.value)
        if source is not None and _plain(source or name) in _EVER_NEW_IDS:
            span = Span(body.source, field.start, field.value.end)
            message = f"the label {name} has new values without end"
            yield finding(span, message, "use stage.structured_metadata")


def _source(view: View, value: Any) -> str | None:
    """The name of the extracted value; None if it is not known."""
    if isinstance(value, Literal) and value.kind == "NULL":
        return ""
    try:
        return str(view.decided(value))
    except Undecided:
        return None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()


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


def _metrics(target: str) -> str:
    return (
        'prometheus.relabel "a" {\n'
        "  forward_to = []\n"
        f'  rule {{\n    source_labels = ["job"]\n    target_label  = "{target}"\n  }}\n'
        "}\n"
    )


RULES = (
    Rule(
        "ALY0920",
        "label that a rule cannot set",
        "A replace rule for metrics, logs or profiles sets only labels whose names consist of letters, "
        "digits and _. It ignores others without a word.",
        wrong=_metrics("job-name"),
        right=_metrics("job_name"),
        check=_not_settable,
    ),
    Rule(
        "ALY0928",
        "label with ever new values",
        "Each new value of a label makes a new series or stream, which costs memory in the database. "
        "Identifiers of containers, requests and traces belong in the line or in structured metadata.",
        wrong=_relabel("uid", "uid"),
        right=_relabel("name", "pod"),
        check=_ever_new,
    ),
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
