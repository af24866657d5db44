"""Endpoints of OTLP over HTTP to which nothing can be sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding, replacing
from alloypy.check.lint.view import Body, View
from alloypy.lang.secrecy import hide
from alloypy.lang.server_urls import url_fault
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Literal

_EXPORTER = "otelcol.exporter.otlphttp"
_OVERRIDES = ("traces_endpoint", "metrics_endpoint", "logs_endpoint", "profiles_endpoint")
_SIGNAL = re.compile(r"/v1/(?:traces|metrics|logs)/?\Z")


def _endpoints(view: View) -> Iterator[Diagnostic]:
    """Endpoints for all signals that are no URLs, or that have the path of one signal."""
    for body in view.bodies():
        written = body.written("endpoint") if body.path == f"{_EXPORTER}/client" else None
        if written is None or _is_overridden(body):
            continue
        try:
            text = body.text("endpoint")
        except Undecided:
            continue
        span = Span(body.source, written.start, written.end)
        fault, path = url_fault(text), _SIGNAL.search(text)
        if fault:
            yield finding(
                span, f'"{hide(text, "url")}" is not a URL: {fault}', "begin with http:// or https://"
            )
        elif path is not None:
            twice = f"{path[0].rstrip('/')}/v1/traces"
            message = f"the exporter appends the path of the signal, so that traces go to {twice}"
            yield finding(span, message, f"remove {path[0]} from the URL", _shortened(written, path[0]))


def _is_overridden(client: Body) -> bool:
    """Whether a signal has an endpoint of its own, so that the common one may not be used."""
    outer = client.outer
    return outer is None or any(outer.written(name) is not None for name in _OVERRIDES)


def _shortened(attribute: Attribute, path: str) -> tuple[Edit, ...]:
    value = attribute.value
    if isinstance(value, Literal) and value.text[1:-1].endswith(path):
        return (replacing(value, f"{value.text[: -len(path) - 1]}{value.text[-1]}"),)
    return ()


_EXPORT = """\
otelcol.receiver.otlp "a" {
  http { }
  output { traces = [otelcol.exporter.otlphttp.b.input] }
}
otelcol.exporter.otlphttp "b" {
  client { endpoint = "%s" }
}
"""

RULES = (
    Rule(
        "ALY0966",
        "OTLP endpoint that cannot work",
        "otelcol.exporter.otlphttp appends /v1/traces, /v1/metrics or /v1/logs to its endpoint, which is a "
        "URL without these paths, such as http://tempo:4318. A whole URL for one signal is traces_endpoint, "
        "metrics_endpoint or logs_endpoint.",
        wrong=_EXPORT % "http://tempo:4318/v1/traces",
        right=_EXPORT % "http://tempo:4318",
        default=True,
        check=_endpoints,
    ),
)
