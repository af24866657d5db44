"""Values that contradict each other or say something twice, and checks that are switched off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.lang.text_types import REGEXP_TYPE
from alloypy.lang.types import BoolType
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Array, Attribute, Literal, Object

_EXPRESSIONS = {
    "stage.drop": "expression",
    "stage.regex": "expression",
    "stage.replace": "expression",
    "stage.multiline": "firstline",
}
"""Regular expressions in blocks of loki.process that the catalog knows as texts."""

_SWITCHES = ("insecure_skip_verify", "ssl_skip_verify")
"""Settings that switch off the check of a server's certificate."""

_PAIRS: Mapping[str, tuple[str, str]] = {
    "discovery.kuma": ("fetch_timeout", "refresh_interval"),
    "otelcol.exporter.loadbalancing/resolver/aws_cloud_map": ("timeout", "interval"),
    "otelcol.exporter.loadbalancing/resolver/dns": ("timeout", "interval"),
    "otelcol.receiver.file_stats": ("timeout", "collection_interval"),
    "otelcol.receiver.vcenter": ("timeout", "collection_interval"),
    "prometheus.operator.podmonitors/scrape": ("default_scrape_timeout", "default_scrape_interval"),
    "prometheus.operator.probes/scrape": ("default_scrape_timeout", "default_scrape_interval"),
    "prometheus.operator.scrapeconfigs/scrape": ("default_scrape_timeout", "default_scrape_interval"),
    "prometheus.operator.servicemonitors/scrape": ("default_scrape_timeout", "default_scrape_interval"),
    "remote.kubernetes.configmap": ("poll_timeout", "poll_frequency"),
    "remote.kubernetes.secret": ("poll_timeout", "poll_frequency"),
}
"""How long a request may take, and how often it is made, where Alloy accepts any two values.

Not pyroscope.scrape: a profile of what happens takes nearly as long as the interval, so that a longer timeout
makes sense there.
"""


def _span(attribute: Attribute, source: Source) -> Span:
    return Span(source, attribute.start, attribute.end)


def _idle_regexes(view: View) -> Iterator[Diagnostic]:
    from alloypy.check.lint.regexes import matches_nothing  # the default rules do not need it

    for body in view.bodies():
        if body.spec.name == "relabel.Config":  # has rules of its own
            continue
        name = _EXPRESSIONS.get(body.syntax.full_name) if body.path.startswith("loki.process/") else None
        for attribute, type_ in body.attributes():
            if type_ is not REGEXP_TYPE and attribute.name.name != name:
                continue
            try:
                text = body.get(attribute.name.name)
            except Undecided:
                continue
            if matches_nothing(str(getattr(text, "text", text))):
                message = f"{attribute.name.name} can never match"
                yield finding(_span(attribute, body.source), message, "`$` is the end and `^` the beginning")


def _same_targets(view: View) -> Iterator[Diagnostic]:
    for written in view.expressions(Array):
        if written.attribute.name.name not in {"targets", "path_targets"}:
            continue
        seen: set[Any] = set()
        for element in written.expression.elements:
            if not isinstance(element, Object):
                continue
            try:
                target = frozenset(view.decided(element).items())
                repeated = target in seen
            except (Undecided, TypeError):  # a value that only running can tell, or that is no text
                continue
            seen.add(target)
            if repeated:
                span = Span(written.source, element.start, element.end)
                yield finding(span, "the same target is already in the list", "remove one of the two")


def _late_timeouts(view: View) -> Iterator[Diagnostic]:
    for body in view.bodies():
        if body.path in _PAIRS:
            timeout, interval = _PAIRS[body.path]
            place = body.written(timeout) or body.written(interval)
            try:
                longer = body.get(timeout) > body.get(interval) > 0
            except (Undecided, TypeError):
                continue
            if place is not None and longer:
                yield _late(body, place, timeout, interval)


def _late(body: Body, place: Attribute, timeout: str, interval: str) -> Diagnostic:
    values = f"{timeout} ({body.get(timeout)}) is longer than {interval} ({body.get(interval)})"
    return finding(_span(place, body.source), values, "a request should have ended before the next one")


def _unchecked_tls(view: View) -> Iterator[Diagnostic]:
    for body in view.bodies():
        for attribute, type_ in body.attributes():
            if attribute.name.name not in _SWITCHES or not isinstance(type_, BoolType):
                continue
            value = attribute.value
            if isinstance(value, Literal) and value.text == "true":
                message = f"{attribute.name.name} switches off the check of the server's certificate"
                hint = "trust the server's certificate authority with ca_file or ca_pem instead"
                yield finding(_span(attribute, body.source), message, hint)


_LOKI = 'loki.write "a" {\n  endpoint { url = "http://loki/loki/api/v1/push" }\n}\n'


def _scrape(targets: str) -> str:
    return f'prometheus.scrape "a" {{\n  targets    = [{targets}]\n  forward_to = []\n}}\n'


def _stage(expression: str) -> str:
    return (
        'loki.process "a" {\n'
        f'  stage.drop {{ expression = "{expression}" }}\n'
        "  forward_to = [loki.write.a.receiver]\n"
        f"}}\n{_LOKI}"
    )


def _config_map(timeout: str) -> str:
    return (
        'remote.kubernetes.configmap "a" {\n'
        '  namespace      = "monitoring"\n'
        '  name           = "targets"\n'
        '  poll_frequency = "15s"\n'
        f'  poll_timeout   = "{timeout}"\n'
        "}\n"
    )


def _client(tls: str) -> str:
    return (
        'remote.http "a" {\n'
        '  url = "https://localhost"\n'
        f"  client {{\n    tls_config {{ {tls} }}\n  }}\n"
        "}\n"
    )


RULES = (
    Rule(
        "ALY0917",
        "regex that matches nothing",
        "No text can match the expression: it wants something after the end, before the beginning, or out of "
        "a set that has no characters.",
        wrong=_stage("$DEBUG"),
        right=_stage("DEBUG$"),
        check=_idle_regexes,
    ),
    Rule(
        "ALY0921",
        "target given twice",
        "Two targets of the list have the same labels. The second one changes nothing.",
        wrong=_scrape('{__address__ = "a:80"}, {__address__ = "a:80"}'),
        right=_scrape('{__address__ = "a:80"}, {__address__ = "b:80"}'),
        check=_same_targets,
    ),
    Rule(
        "ALY0923",
        "timeout longer than the interval",
        "A request may take longer than the time until the next one is due, so a slow server is asked less "
        "often than the interval says.",
        wrong=_config_map("20s"),
        right=_config_map("10s"),
        check=_late_timeouts,
    ),
    Rule(
        "ALY0925",
        "certificate that is not checked",
        "Whoever is between Alloy and the server can read and change what is sent, credentials included.",
        wrong=_client("insecure_skip_verify = true"),
        right=_client('ca_file = "/etc/ca.pem"'),
        check=_unchecked_tls,
    ),
)
