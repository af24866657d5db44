"""Data that goes round in circles through the network."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.check.ports import listener_of
from alloypy.check.scope import CheckedNode
from alloypy.graph.nodes import Kind, block_id
from alloypy.graph.references import chains, resolve
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block, Statement

_PATHS = {
    "loki.source.api": frozenset({"/loki/api/v1/push", "/api/v1/push"}),
    "prometheus.receive_http": frozenset({"/api/v1/metrics/write"}),
    "pyroscope.receive_http": frozenset({"", "/"}),
}
"""Receivers, and the paths of URLs to which their senders have to send."""

_SENDERS = {
    "loki.write/endpoint": "loki.source.api",
    "prometheus.remote_write/endpoint": "prometheus.receive_http",
    "pyroscope.write/endpoint": "pyroscope.receive_http",
}
_URL = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?::(\d+))?([^?#]*)")
_REACHABLE = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "localhost"})
_RELABEL = frozenset({"loki.relabel", "prometheus.relabel", "pyroscope.relabel"})
_KEEPING_STAGES = frozenset({
    "stage.cri",
    "stage.docker",
    "stage.json",
    "stage.labels",
    "stage.logfmt",
    "stage.regex",
    "stage.static_labels",
    "stage.template",
    "stage.timestamp",
})  # fmt: skip
"""Stages of loki.process that drop nothing and keep the line."""


def _loops(view: View) -> Iterator[Diagnostic]:
    """Endpoints that send to a receiver of the configuration whose data comes back to them."""
    senders = [each for each in view.bodies() if each.path in _SENDERS and _port(each) and _sends_all(each)]
    if not senders:
        return
    listening = {port: node for node in view.of_kind(Kind.COMPONENT) for port in _listens(view, node)}
    reached: dict[str, set[str]] = {}
    for body in senders:
        port, path = _port(body) or (0, "")
        receiver = listening.get(port)
        if receiver is None or receiver.name != _SENDERS[body.path] or path not in _PATHS[receiver.name]:
            continue
        if receiver.id not in reached:
            reached[receiver.id] = _reached(view, receiver)
        if body.node.id in reached[receiver.id]:
            url = body.written("url")
            span = Span(body.source, url.start, url.end) if url is not None else body.head
            message = f"{block_id(receiver.block)} receives this and sends it back here: an endless loop"
            yield finding(span, message, "give the URL of the server")


def _sends_all(endpoint: Body) -> bool:
    """Whether an endpoint certainly sends all that it gets."""
    return not any(_name(each) == "write_relabel_config" for each in endpoint.statements)


def _port(endpoint: Body) -> tuple[int, str] | None:
    """The port of this machine to which an endpoint sends, and the path; None if it is another machine."""
    try:
        url = _URL.fullmatch(endpoint.text("url").partition("?")[0])
    except Undecided:
        return None
    return (int(url[1] or 80), url[2]) if url is not None else None


def _listens(view: View, node: CheckedNode) -> Iterator[int]:
    """The port on which a receiver listens without TLS, if it takes what this machine sends to itself."""
    filtered = any(_name(each) == "relabel_rules" for each in node.body)
    listener = listener_of(node, view.decided) if node.name in _PATHS and not filtered else None
    if listener is None or listener.address not in _REACHABLE:
        return
    http = next((each for each in node.body if isinstance(each, Block) and each.full_name == "http"), None)
    if http is None or not any(_name(each) == "tls" for each in http.body):
        yield listener.port


def _name(statement: Statement) -> str:
    return statement.name.name if isinstance(statement, Attribute) else statement.full_name


def _reached(view: View, receiver: CheckedNode) -> set[str]:
    """The ids of the components that certainly get what a receiver gets."""
    reached, waiting = {receiver.id}, [receiver]
    while waiting:
        node = waiting.pop()
        if node is not receiver and not _passes_all(node):
            continue
        forward = [each for each in node.body if _name(each) == "forward_to"]
        for chain in chains(forward):
            reference = resolve(chain, view.scope.graph)
            target = reference.target if reference is not None else None
            if isinstance(target, CheckedNode) and target.id not in reached:
                reached.add(target.id)
                waiting.append(target)
    return reached


def _passes_all(node: CheckedNode) -> bool:
    """Whether a component certainly passes on all that it gets."""
    blocks = [each for each in node.body if isinstance(each, Block)]
    if node.name == "loki.process":
        return all(block.full_name in _KEEPING_STAGES for block in blocks)
    return node.name in _RELABEL and not any(_may_drop(block) for block in blocks)


def _may_drop(rule: Block) -> bool:
    for each in rule.body:
        if isinstance(each, Attribute) and each.name.name == "action":
            return getattr(each.value, "text", "").strip('"`').lower() not in _KEEPING_ACTIONS
    return False


_KEEPING_ACTIONS = frozenset({"replace", "lowercase", "uppercase", "hashmod", "labelmap"})

_RECEIVE = """\
pyroscope.receive_http "a" {
  http {
    listen_address = "0.0.0.0"
    listen_port    = 4040
  }
  forward_to = [pyroscope.write.b.receiver]
}
pyroscope.write "b" {
  endpoint { url = "http://%s:4040" }
}
"""

RULES = (
    Rule(
        "ALY0963",
        "endless loop",
        "The endpoint sends to a receiver of the same configuration, which passes the data on to the same "
        "endpoint. Each profile, line or sample goes round until the process is stopped.",
        wrong=_RECEIVE % "localhost",
        right=_RECEIVE % "pyroscope",
        default=True,
        check=_loops,
    ),
)
