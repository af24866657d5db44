"""What alloypy's rules say about OTTL texts at their place in a component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from alloypy.rules import ottl, signal_metrics
from alloypy.rules.view import View
from alloypy.schema.faults import Fault
from alloypy.schema.spec import Spec

BY_PATH = {**ottl.BY_PATH, **signal_metrics.BY_PATH}


class Given:
    """Stands in for a view of a body with just the given values; a compiled `View` takes no subclasses."""

    def __init__(self, values: Mapping[str, Any], older: bool) -> None:
        self.spec = Spec("", ())
        self.older = older
        self._values = values

    def given(self, name: str) -> bool:
        return self._values.get(name) is not None

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def blocks(self, name: str) -> Sequence[View]:
        return ()

    def block(self, name: str) -> View | None:
        return None

    def grouped(self, group: str) -> int:
        return 0

    def text(self, name: str) -> str:
        return self.get(name) or ""

    def filled(self, name: str) -> bool:
        return bool(self.get(name))


def faults_of(case: Mapping[str, Any], *, older: bool = False) -> list[Fault]:
    """The faults in a case: `kind` is the component, `signal` and `context` the block, the rest its texts.

    `filter_old` is a filter with its older blocks, `s2m` is otelcol.connector.signaltometrics.
    """
    kind, signal, context = case["kind"], case.get("signal", ""), case.get("context", "")
    texts = {name: case.get(name) for name in ("statements", "conditions")}
    if kind == "transform" and not context:
        path, values = "otelcol.processor.transform/statements", {signal: texts["statements"] or []}
    elif kind == "transform":
        path, values = f"otelcol.processor.transform/{signal}_statements", {"context": context, **texts}
    elif kind == "filter":
        path, values = f"otelcol.processor.filter/{signal}_conditions", {"context": context, **texts}
    elif kind == "filter_old":
        path, values = f"otelcol.processor.filter/{signal}", {context: texts["conditions"]}
    else:
        path, values = f"otelcol.connector.signaltometrics/{signal}", {"name": "n", "sum": {}, **texts}
    faults = _faults(path, values, older)
    if case.get("value"):
        faults += _faults(f"{path}/sum", {"value": case["value"]}, older)
    return faults


def marked(text: str, fault: Fault) -> str:
    """The characters of the text that a fault is at."""
    return text if fault.at is None else text[fault.at.start : fault.at.end]


def _faults(path: str, values: Mapping[str, Any], older: bool) -> list[Fault]:
    body = cast("View", Given(values, older))
    return [fault for rule in BY_PATH[path] for fault in rule(body)]
