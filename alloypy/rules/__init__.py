"""Load-time rules: what components reject on loading although every setting has the right type.

A rule is a small function or one of the forms in `alloypy.rules.forms`. It belongs to a
place (`loki.write/wal`: a component and inner blocks) or to a Go type that many places use.
Rules are used twice: when an instance of a declared class is decoded (`faults_of`), and by the checker
(`rules_for`).
Source: what Alloy's components reject, recorded in tests/golden/validate/load_rules.jsonl.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module

from alloypy.rules.view import Instance, Rule
from alloypy.schema.faults import Fault

_MODULES = {
    "alloypy": "queue",
    "discovery": "discovery",
    "prometheus": "prometheus",
    "mimir": "prometheus",
    "loki": "loki",
    "otelcol": "otelcol",
    "pyroscope": "pyroscope",
    "remote": "remote",
    "local": "remote",
    "import": "imports",
    "http": "services",
    "faro": "faro",
    "remotecfg": "services",
}
"""The module that holds the rules of each namespace; imported when a block of that namespace is checked."""

_EXPORTERS = "prometheus.exporter."
_ALSO = {"loki": "prometheus"}
_OF_COMPONENTS = {
    "otelcol.connector.signaltometrics": "signal_metrics",
    "otelcol.processor.filter": "ottl",
    "otelcol.processor.transform": "ottl",
}
"""Modules that only a few components need."""
_TYPE_MODULES = {
    "config": "clients",
    "kubernetes": "clients",
    "relabel": "relabel",
    "stages": "loki_stages",
    "metric": "loki",
    "otelcol": "otelcol",
    "file_stats": "otelcol",
    "k8sattributes": "otelcol",
    "remotecfg": "services",
    "alloypy": "further",
    "discovery": "further",
    "local": "further",
    "pyroscope": "further",
    "own": "own_relabel",
}


@cache
def rules_for(path: str, key: str) -> tuple[Rule, ...]:
    """The rules of a body.

    path: component and inner blocks, such as `loki.write/wal`. key: the key of its rules in its spec.
    """
    return (*_by_path(path), *_by_type(key))


def faults_of(given: object) -> Iterator[Fault]:
    """The rules that an instance breaks; its class names its rules with `@arguments(rules=...)`."""
    view = Instance(given)
    for rule in rules_for(view.spec.rules, view.spec.rules):
        yield from rule(view)


def _by_path(path: str) -> tuple[Rule, ...]:
    component = path.partition("/")[0]
    namespace = component.partition(".")[0]
    rules: tuple[Rule, ...] = ()
    also = "exporters" if path.startswith(_EXPORTERS) else _ALSO.get(namespace)
    for name in (_MODULES.get(namespace), also, _OF_COMPONENTS.get(component)):
        if name is not None:
            rules += import_module(f"{__name__}.{name}").BY_PATH.get(path, ())
    return rules


def _by_type(go_type: str) -> tuple[Rule, ...]:
    name = _TYPE_MODULES.get(go_type.partition(".")[0])
    if name is None:
        return ()
    rules: tuple[Rule, ...] = import_module(f"{__name__}.{name}").BY_TYPE.get(go_type, ())
    return rules
