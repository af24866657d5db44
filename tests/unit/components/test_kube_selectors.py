"""Which selectors of discovery.kubernetes are refused, and which contradictions."""

from __future__ import annotations

import pytest

from alloypy.components.discovery.kubernetes import (
    Arguments,
    NamespacesArguments,
    SelectorArguments,
)
from alloypy.lang.go.url import parse_url
from alloypy.rules.kubernetes import is_field_selector, is_label_selector

ROLES = "pod, service, endpoints, endpointslice, node, ingress"
URL = parse_url("http://k/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "app=web",
        "app==web",
        "a.b/c-d_e != x",
        "app=",
        "app",
        "!app",
        "! app",
        "app in (a, b,c)",
        "tier notin(a)",
        "app in ()",
        "n > 5,m<-3",
        " a = b , c ",
        "kubernetes.io/name=x,env in (prod,dev),!old",
    ],
)
def test_label_selectors(text: str) -> None:
    assert is_label_selector(text)


@pytest.mark.parametrize(
    "text",
    ["=", "a=b,", ",a=b", "a=b c=d", "a in (", "a in b", "a~b", "!a=b", "a=b=c", "-a=b", "a=" + "x" * 64],
)
def test_rubbish_in_place_of_label_selectors(text: str) -> None:
    assert not is_label_selector(text)


@pytest.mark.parametrize(
    "text", ["", "a=b", "spec.nodeName==n,status.phase!=Failed", "a=", r"a=b\,c\=d\\", "a=b,"]
)
def test_field_selectors(text: str) -> None:
    assert is_field_selector(text)


@pytest.mark.parametrize("text", ["a", ",a=b", "a in (b)", "=b", r"a=b\c"])
def test_rubbish_in_place_of_field_selectors(text: str) -> None:
    assert not is_field_selector(text)


def faults(**given: object) -> list[str]:
    return [fault.message for fault in Arguments(**given).check()]  # type: ignore[arg-type]


def test_roles() -> None:
    for role in ("pod", "service", "endpoints", "endpointslice", "node", "ingress"):
        assert faults(role=role) == []
    assert faults(role="POD") == [f'unknown Kubernetes SD role "POD", must be one of {ROLES}']


def test_selectors_that_cannot_work() -> None:
    def of(*given: SelectorArguments) -> list[str]:
        return faults(role="pod", selectors=given)

    wrong = SelectorArguments(role="pod", label="a=b=c")
    assert of(wrong) == ['invalid label selector "a=b=c"']
    assert of(SelectorArguments(role="pod", field="x")) == ['invalid field selector "x"']
    assert of(SelectorArguments(role="pods")) == [f'unknown role "pods" in selectors, must be one of {ROLES}']
    good = SelectorArguments(role="pod", label="a=b")
    assert of(good, good) == ["duplicated selector role: pod"]
    assert of(good, SelectorArguments(role="service", label="a=b=c")) == []


def test_contradictions() -> None:
    own = NamespacesArguments(own_namespace=True, names=("a",))
    assert faults(role="pod", api_server=URL, kubeconfig_file="k") == [
        "cannot use 'kubeconfig_file' and 'api_server' simultaneously"
    ]
    assert faults(role="pod", api_server=URL, namespaces=own) == [
        "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously"
    ]
    assert faults(role="pod", kubeconfig_file="k", namespaces=own) == [
        "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously"
    ]
    assert faults(role="pod", namespaces=own) == []
