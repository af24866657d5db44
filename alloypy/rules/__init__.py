"""Load-time rules: what components refuse when they are loaded although every setting has the right type.

A rule is a small function or one of the forms in `alloypy.rules.forms`. It belongs to a
place (`loki.write/wal`: a component and inner blocks) or to a Go type that many places use.
Two ask: declared classes, when an instance is decoded (`faults_of`), and the checker (`rules_for`).
Source: what Alloy's components refuse, recorded in tests/golden/validate/load_rules.jsonl.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module

from alloypy.rules.view import Instance, Rule
from alloypy.schema.faults import Fault

_MODULES = {
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
    "remotecfg": "services",
}
"""Which module has the rules of a namespace; it is imported when a block of it is checked."""

_ALSO = {"loki": "prometheus"}
_TYPE_MODULES = {
    "config": "clients",
    "kubernetes": "clients",
    "relabel": "relabel",
    "stages": "loki",
    "metric": "loki",
    "otelcol": "otelcol",
    "file_stats": "otelcol",
    "remotecfg": "services",
    "alloypy": "further",
}


@cache
def rules_for(path: str, key: str) -> tuple[Rule, ...]:
    """The rules of a body.

    path: component and inner blocks, such as `loki.write/wal`. key: what its spec says of its rules.
    """
    return (*_by_path(path), *_by_type(key))


def faults_of(given: object) -> Iterator[Fault]:
    """The broken rules of an instance of a declared class, which says by `@arguments(rules=...)` which."""
    view = Instance(given)
    for rule in rules_for(view.spec.rules, view.spec.rules):
        yield from rule(view)


def _by_path(path: str) -> tuple[Rule, ...]:
    namespace = path.partition("/")[0].partition(".")[0]
    rules: tuple[Rule, ...] = ()
    for name in (_MODULES.get(namespace), _ALSO.get(namespace)):
        if name is not None:
            rules += import_module(f"{__name__}.{name}").BY_PATH.get(path, ())
    return rules


def _by_type(go_type: str) -> tuple[Rule, ...]:
    name = _TYPE_MODULES.get(go_type.partition(".")[0])
    if name is None:
        return ()
    rules: tuple[Rule, ...] = import_module(f"{__name__}.{name}").BY_TYPE.get(go_type, ())
    return rules
