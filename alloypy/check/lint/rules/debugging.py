"""What people switch on to look for a fault, and forget to switch off."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import View
from alloypy.graph.nodes import Kind, block_id
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute

_PRINTERS = frozenset({"loki.echo", "otelcol.exporter.debug", "prometheus.echo"})
"""Components that write what they receive to the log."""


_DEBUG_LOG = "the log level is debug, which writes a lot and may log sensitive data"
_LIVE = "live debugging is on: the user interface shows the data that passes through"


def _left_on(view: View) -> Iterator[Diagnostic]:
    """Debugging that is on."""
    for body in view.bodies():
        switch = {"logging": "level", "livedebugging": "enabled"}.get(body.path)
        written = body.written(switch) if switch is not None else None
        if written is not None and _is_on(view, written):
            message = _DEBUG_LOG if switch == "level" else _LIVE
            yield finding(Span(body.source, written.start, written.end), message)
    for node in view.of_kind(Kind.COMPONENT):
        if node.name in _PRINTERS:
            span = Span(node.source, node.block.start, node.block.lcurly)
            yield finding(span, f"{block_id(node.block)} writes everything it receives to the log")


def _is_on(view: View, setting: Attribute) -> bool:
    try:
        return view.decided(setting.value) in ("debug", True)
    except Undecided:
        return False


RULES = (
    Rule(
        "ALY0965",
        "debugging left on",
        "The log level debug, live debugging, and components that log everything they receive are "
        "for troubleshooting. In production they cost CPU time and may expose sensitive data.",
        wrong='logging { level = "debug" }',
        right='logging { level = "info" }',
        check=_left_on,
    ),
)
