"""Data that is collected or sent more than once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alloypy.catalog.received import RECEIVED
from alloypy.check.lint.likeness import body_likeness, likeness
from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.graph.nodes import Kind, block_id
from alloypy.lang import types as wanted
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Access, Array, Attribute, Block, Expression, Identifier, Statement

_SENDERS = frozenset({"loki.write", "prometheus.remote_write", "pyroscope.write"})
_HOW_ONLY = frozenset({
    "batch_size",
    "batch_wait",
    "max_backoff_period",
    "max_backoff_retries",
    "metadata_config",
    "min_backoff_period",
    "name",
    "queue_config",
    "remote_timeout",
})  # fmt: skip
"""Settings of an endpoint that change neither what is sent nor where."""

_COLLECTORS = frozenset({
    "loki.source.docker",
    "loki.source.file",
    "loki.source.journal",
    "loki.source.kubernetes",
    "loki.source.kubernetes_events",
    "loki.source.podlogs",
    "pyroscope.scrape",
})  # fmt: skip
"""Components that read something of their own accord, and add nothing that tells two of them apart."""


def _receivers(view: View) -> Iterator[Diagnostic]:
    """The same receiver twice in one list."""
    for written in view.expressions(Array):
        if written.around is not None:
            continue
        takes = _takes_receivers(written.body, written.attribute)
        seen: set[str] = set()
        elements = written.expression.elements
        for at, element in enumerate(elements):
            if not _is_name(element):
                continue
            name = likeness(element)
            if name in seen and (takes or view.shape(element).capsule in RECEIVED):
                yield _again(elements[at - 1], element, written.source, name)
            seen.add(name)


def _takes_receivers(body: Body | None, attribute: Attribute) -> bool:
    type_ = body.type_of(attribute) if body is not None else None
    element = type_.element if isinstance(type_, wanted.ListType) else None
    return isinstance(element, wanted.CapsuleType) and element.cls.kind in RECEIVED


def _is_name(node: Expression) -> bool:
    while isinstance(node, Access):
        node = node.value
    return isinstance(node, Identifier)


def _again(before: Expression, element: Expression, source: Source, name: str) -> Diagnostic:
    edit = Edit(before.end + 1, element.end + 1, "")
    lost = source.data[before.end + 1 : element.start]
    fix = () if b"//" in lost or b"/*" in lost else (edit,)
    span = Span(source, element.start, element.end)
    return finding(
        span, f"{name} is in the list twice, so it receives everything twice", "remove it here", fix
    )


def _endpoints(view: View) -> Iterator[Diagnostic]:
    """Endpoints of one component that send the same to the same place."""
    for body in view.bodies():
        if body.path not in _SENDERS:
            continue
        seen: dict[str, Block] = {}
        for block in body.statements:
            if isinstance(block, Block) and block.full_name == "endpoint":
                key = body_likeness(each for each in block.body if _name(each) not in _HOW_ONLY)
                first = seen.setdefault(key, block)
                if first is not block:
                    span = Span(body.source, block.start, block.lcurly)
                    line = body.source.line(first.start)
                    message = f"the same endpoint as in line {line}: each would get everything"
                    yield finding(span, message, "remove one of them")


def _name(statement: Statement) -> str:
    return statement.name.name if isinstance(statement, Attribute) else statement.full_name


def _collectors(view: View) -> Iterator[Diagnostic]:
    """Components that collect the same and pass it on to the same receivers."""
    seen: dict[str, str] = {}
    for node in view.of_kind(Kind.COMPONENT):
        if node.name not in _COLLECTORS and not _has_job(node.name, node.body):
            continue
        if not any(_name(each) == "forward_to" for each in node.body):
            continue
        own = block_id(node.block)
        first = seen.setdefault(f"{node.name} {body_likeness(node.body)}", own)
        if first != own:
            span = Span(node.source, node.block.start, node.block.lcurly)
            message = f"the same settings as {first}: everything is collected twice"
            yield finding(span, message, "remove one of them")


def _has_job(name: str, body: Sequence[Statement]) -> bool:
    """Whether it is a scrape whose series have a given job, so that two of them are the same series."""
    return name == "prometheus.scrape" and any(_name(each) == "job_name" for each in body)


_WRITE = """\
pyroscope.write "a" {
  endpoint { url = "http://pyroscope:4040" }
}
"""
_FILE = """\
loki.source.file "%s" {
  targets    = [{"__path__" = "/var/log/%s"}]
  forward_to = [loki.write.a.receiver]
}
"""
_LOKI = """\
loki.write "a" {
  endpoint { url = "http://loki:3100/loki/api/v1/push" }
}
"""

RULES = (
    Rule(
        "ALY0948",
        "receiver twice in one list",
        "The list names the same receiver twice. It gets all data twice, and what it writes to as well.",
        wrong=_WRITE + 'pyroscope.receive_http "b" {\n'
        "  forward_to = [pyroscope.write.a.receiver, pyroscope.write.a.receiver]\n}",
        right=_WRITE + 'pyroscope.receive_http "b" {\n  forward_to = [pyroscope.write.a.receiver]\n}',
        default=True,
        check=_receivers,
    ),
    Rule(
        "ALY0949",
        "endpoint given twice",
        "Two endpoints of one component have the same address, credentials and filters. pyroscope.write "
        "sends everything twice; the others do so if the endpoints have different "
        "names, and refuse to start otherwise.",
        wrong='pyroscope.write "a" {\n  endpoint { url = "http://pyroscope:4040" }\n'
        '  endpoint { url = "http://pyroscope:4040" }\n}\n'
        'pyroscope.receive_http "b" { forward_to = [pyroscope.write.a.receiver] }',
        right=_WRITE + 'pyroscope.receive_http "b" { forward_to = [pyroscope.write.a.receiver] }',
        default=True,
        check=_endpoints,
    ),
    Rule(
        "ALY0950",
        "collected twice",
        "Two components read the same with the same settings and pass it on to the same receivers, so each "
        "line, profile or sample arrives twice.",
        wrong=_LOKI + _FILE % ("a", "syslog") + _FILE % ("b", "syslog"),
        right=_LOKI + _FILE % ("a", "syslog") + _FILE % ("b", "messages"),
        default=True,
        check=_collectors,
    ),
)
