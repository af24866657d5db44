"""Labels that cannot be set, or that have unlimited values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from alloypy.check.lint.regexes import matches_every
from alloypy.check.lint.relabeling import known, pod_label_rule, rule_lists
from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.go.text import quote
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Literal, Object

_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRICT = ("loki.relabel/", "prometheus.", "pyroscope.relabel/")
"""Where a replace rule sets no labels with other names."""

_EVER_NEW = frozenset({
    "__meta_kubernetes_pod_uid",
    "__meta_kubernetes_pod_container_id",
    "__meta_docker_container_id",
})  # fmt: skip

_EVER_NEW_IDS = frozenset(
    """
    clientip correlationid remoteaddr remoteip requestid sessionid spanid timestamp traceid transactionid
    userid
    """.split()  # noqa: SIM905 -- as a list it would be a page long
)
"""What log lines carry with unlimited values, in lower case without `_`, `-` and `.`."""

_POD_LABELS = re.compile(r"__meta_kubernetes_pod_(label|annotation)_\(\.[+*]\)")
_REMOVING = ("stage.label_keep", "stage.structured_metadata", "stage.pack")


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
    """Looks at all modules, because any of them may remove the labels that another one sets."""
    if not view.is_root or any(_may_remove(each) for each in view.all):
        return
    for each in view.all:
        if each.own:
            for rules in rule_lists(each):
                for body in rules:
                    yield from _from_discovery(body)
            for body in each.bodies():
                if body.path.startswith("loki.process/") and body.syntax.full_name == "stage.labels":
                    yield from _from_lines(each, body)


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
            yield finding(body.head, f"the label {target} has a new value for each container or pod")
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
            message = f"the label {name} has an unlimited number of values"
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
        "label with unlimited values",
        "Each new value of a label makes a new series or stream, which costs memory in the database. "
        "Identifiers of containers, requests and traces belong in the line or in structured metadata.",
        wrong=pod_label_rule("uid", "uid"),
        right=pod_label_rule("name", "pod"),
        check=_ever_new,
    ),
)
