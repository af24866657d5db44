"""What alloypy rejects in discovery.kubernetes and Alloy does not: what cannot work, or contradicts itself.

Source: the syntax of label and field selectors in the Kubernetes documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.lang.go.text import quote
from alloypy.rules.view import View
from alloypy.schema.faults import Fault

ROLES = ("pod", "service", "endpoints", "endpointslice", "node", "ingress")

ALLOWED_SELECTORS: Mapping[str, tuple[str, ...]] = {
    "pod": ("pod", "node"),
    "service": ("service",),
    "endpoints": ("pod", "service", "endpoints", "node"),
    "endpointslice": ("pod", "service", "endpointslice", "node"),
    "node": ("node",),
    "ingress": ("ingress",),
}
"""By role: the roles whose selectors have an effect."""

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_PREFIX = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/"
_KEY = rf"(?:{_PREFIX})?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_LABEL = re.compile(
    rf"""\s*(?:
        !\s*{_KEY}
      | {_KEY}\s+(?:in|notin)\s*\(\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*\)
      | {_KEY}\s*(?:==|=|!=)\s*{_VALUE}
      | {_KEY}\s*[<>]\s*[+-]?[0-9]+
      | {_KEY}
    )\s*""",
    re.VERBOSE,
)
_FIELD = re.compile(r"[^=!,\\]+(?:==|=|!=)(?:[^=,\\]|\\[\\,=])*")


def faults(body: View) -> Iterator[Fault]:
    """The faults in Alloy's order of settings."""
    role = body.text("role")
    if role not in ROLES:
        yield Fault("role", f"unknown Kubernetes SD role {quote(role)}, must be one of {', '.join(ROLES)}")
        return
    if body.given("api_server") and body.filled("kubeconfig_file"):
        yield Fault("kubeconfig_file", "cannot use 'kubeconfig_file' and 'api_server' simultaneously")
    yield from _own_namespace(body)
    yield from _selectors(body, role)


def _own_namespace(body: View) -> Iterator[Fault]:
    """Only a pod in the cluster has a namespace of its own."""
    namespaces = body.block("namespaces")
    if namespaces is None or not namespaces.get("own_namespace"):
        return
    for name in ("api_server", "kubeconfig_file"):
        if body.given(name):
            message = f"cannot use '{name}' and 'namespaces.own_namespace' simultaneously"
            yield Fault("namespaces", message)
            return


def _selectors(body: View, role: str) -> Iterator[Fault]:
    seen = set()
    for each in body.blocks("selectors"):
        of = each.text("role")
        if of not in ROLES:
            message = f"unknown role {quote(of)} in selectors, must be one of {', '.join(ROLES)}"
            yield Fault("selectors", message)
            return
        if of in seen:
            yield Fault("selectors", f"duplicated selector role: {of}")
            return
        seen.add(of)
        if of not in ALLOWED_SELECTORS[role]:
            continue  # it has no effect, whatever it says
        for kind, check in (("label", is_label_selector), ("field", is_field_selector)):
            if not check(each.text(kind)):
                yield Fault("selectors", f"invalid {kind} selector {quote(each.text(kind))}")
                return


def is_label_selector(text: str) -> bool:
    """Whether the text is a list of conditions on labels, such as `app=web,tier notin (a, b),!old`."""
    given = text.rstrip()
    return not given.endswith(",") and _is_list_of(_LABEL, given)


def is_field_selector(text: str) -> bool:
    """Whether the text is a list of conditions on fields, such as `spec.nodeName=n,status.phase!=Failed`."""
    return _is_list_of(_FIELD, text)


def _is_list_of(condition: re.Pattern[str], text: str) -> bool:
    """Whether the text has conditions with commas in between, perhaps another comma, and nothing else."""
    at, end = 0, len(text)
    while at < end:
        found = condition.match(text, at)
        if found is None or text[found.end() : found.end() + 1] not in ("", ","):
            return False
        at = found.end() + 1
    return True
