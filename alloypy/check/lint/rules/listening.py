"""Ports on which two parts of a configuration listen, or Alloy itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View
from alloypy.check.ports import RECEIVERS, Listener
from alloypy.check.scope import CheckedNode, CheckedScope
from alloypy.graph.nodes import Kind, block_id
from alloypy.lang.go.address import join_host_port
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute

_ADDRESSES: Mapping[str, tuple[str, str]] = {
    "loki.source.gelf": ("listen_address", "udp"),
    "loki.source.syslog/listener": ("address", ""),
    "otelcol.extension.jaeger_remote_sampling/grpc": ("endpoint", "tcp"),
    "otelcol.extension.jaeger_remote_sampling/http": ("endpoint", "tcp"),
    "otelcol.receiver.datadog": ("endpoint", "tcp"),
    "otelcol.receiver.faro": ("endpoint", "tcp"),
    "otelcol.receiver.fluentforward": ("endpoint", "tcp"),
    "otelcol.receiver.influxdb": ("endpoint", "tcp"),
    "otelcol.receiver.jaeger/protocols/grpc": ("endpoint", "tcp"),
    "otelcol.receiver.jaeger/protocols/thrift_binary": ("endpoint", "udp"),
    "otelcol.receiver.jaeger/protocols/thrift_compact": ("endpoint", "udp"),
    "otelcol.receiver.jaeger/protocols/thrift_http": ("endpoint", "tcp"),
    "otelcol.receiver.otlp/grpc": ("endpoint", "tcp"),
    "otelcol.receiver.otlp/http": ("endpoint", "tcp"),
    "otelcol.receiver.splunkhec": ("endpoint", "tcp"),
    "otelcol.receiver.syslog/tcp": ("listen_address", "tcp"),
    "otelcol.receiver.syslog/udp": ("listen_address", "udp"),
    "otelcol.receiver.tcplog": ("listen_address", "tcp"),
    "otelcol.receiver.zipkin": ("endpoint", "tcp"),
}
"""Bodies that listen: the setting with the address, and the protocol; "" if `protocol` says which."""

_PARTS = frozenset({
    *(f"{name}/http" for name in RECEIVERS),
    "faro.receiver/server",
    "loki.source.gcplog/push/http",
})  # fmt: skip
"""Bodies with `listen_address` and `listen_port`."""

_ALLOY = ("127.0.0.1", 12345)
"""Where Alloy's own HTTP server listens by default."""


class _Socket(NamedTuple):
    """Where a body listens. times: how often it exists: 1, or 2 for at least twice."""

    body: Body
    listener: Listener
    protocol: str
    times: int

    @property
    def span(self) -> Span:
        """The place of the setting if it is written, else the head of the block."""
        for name in ("listen_port", "listen_address", "address", "endpoint"):
            attribute = self.body.written(name)
            if isinstance(attribute, Attribute):
                return Span(self.body.source, attribute.start, attribute.end)
        return self.body.head

    @property
    def address(self) -> str:
        """As Go writes it."""
        return join_host_port(self.listener.address, self.listener.port)


def _used_twice(view: View) -> Iterator[Diagnostic]:
    if not view.is_root:
        return
    taken: dict[tuple[str, int], list[_Socket]] = {}
    for socket in _sockets(view):
        there = taken.setdefault((socket.protocol, socket.listener.port), [])
        other = next((each for each in there if each.listener.collides(socket.listener)), None)
        if other is not None:
            message = f"{socket.address} is already in use by {block_id(other.body.node.block)}"
            yield finding(socket.span, message, "use another port")
        elif socket.times > 1:
            message = f"{socket.address} is already in use: the component exists more than once"
            yield finding(socket.span, message, "take the port from an argument of the module or the item")
        there.append(socket)


def _used_by_alloy(view: View) -> Iterator[Diagnostic]:
    if not view.is_root:
        return
    for socket in _sockets(view):
        listener = socket.listener
        own = listener._replace(address=_ALLOY[0], port=_ALLOY[1])
        if socket.protocol == "tcp" and listener.port == own.port and listener.collides(own):
            message = f"{socket.address} is the address of Alloy's own HTTP server, unless a flag changes it"
            yield finding(
                socket.span, message, "use another port, or run Alloy with --server.http.listen-addr"
            )


def _sockets(root: View) -> list[_Socket]:
    """Everything that listens for certain, in source order."""
    times = _Times(root)
    found = []
    for view in root.all:
        exists = times.of(view.scope) if view.own else 0
        if exists:
            for body in view.bodies():
                try:
                    listener, protocol = _listener(body)
                except Undecided:
                    continue
                if listener.port:
                    found.append(_Socket(body, listener, protocol, exists))
    return sorted(found, key=lambda each: (each.body.source.name, each.body.syntax.start))


def _listener(body: Body) -> tuple[Listener, str]:
    """Where a body listens, and its protocol. Raises Undecided if it does not, or only running can tell."""
    if body.path in _PARTS:
        return Listener(body.node, body.text("listen_address"), body.get("listen_port")), "tcp"
    if body.path not in _ADDRESSES:
        raise Undecided
    name, protocol = _ADDRESSES[body.path]
    if "transport" in body.spec.lookup and body.text("transport") not in {"tcp", ""}:
        raise Undecided
    host, colon, port = body.text(name).rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or "/" in host:
        raise Undecided
    return Listener(body.node, host.strip("[]"), int(port)), protocol or body.text("protocol")


class _Times:
    """How often each module exists for certain: 0, 1, or 2 for at least twice."""

    def __init__(self, root: View) -> None:
        self._known = {id(root.scope): 1}
        self._users: dict[int, list[tuple[CheckedScope, int]]] = {}
        for view in root.all:
            for node in view.nodes:
                made, number = _makes(view, node)
                if made is not None and number:
                    self._users.setdefault(id(made), []).append((view.scope, number))

    def of(self, scope: CheckedScope) -> int:
        """How often the module with that scope exists."""
        if id(scope) not in self._known:
            self._known[id(scope)] = 0
            users = self._users.get(id(scope), ())
            self._known[id(scope)] = min(2, sum(self.of(user) * number for user, number in users))
        return self._known[id(scope)]


def _makes(view: View, node: CheckedNode) -> tuple[CheckedScope | None, int]:
    """The module that a block makes, and how often; None if it makes none."""
    if node.kind is Kind.FOREACH:
        for statement in node.body:
            if isinstance(statement, Attribute) and statement.name.name == "collection":
                return node.inner, view.shape(statement.value).length or 0
    elif node.kind is Kind.CUSTOM:
        declare = view.declared(node)
        if declare is not None and declare.kind is Kind.DECLARE:
            return declare.inner, 1
    return None, 0


def _receiver(label: str, port: int) -> str:
    return (
        f'otelcol.receiver.zipkin "{label}" {{\n'
        f'  endpoint = "0.0.0.0:{port}"\n'
        "  output { traces = [otelcol.exporter.otlp.tempo.input] }\n"
        "}\n"
    )


_TEMPO = 'otelcol.exporter.otlp "tempo" {\n  client { endpoint = "tempo:4317" }\n}\n'

RULES = (
    Rule(
        "ALY0926",
        "port that is taken",
        "Two components listen on the same port of the same address, so one of them does not work. An empty "
        "address and 0.0.0.0 mean all addresses, localhost means 127.0.0.1.",
        wrong=_receiver("a", 9411) + _receiver("b", 9411) + _TEMPO,
        right=_receiver("a", 9411) + _receiver("b", 9412) + _TEMPO,
        default=True,
        check=_used_twice,
    ),
    Rule(
        "ALY0927",
        "port of Alloy itself",
        "Unless --server.http.listen-addr says otherwise, Alloy serves its user interface and metrics on "
        "127.0.0.1:12345, and the component cannot listen there.",
        wrong=_receiver("a", 12345) + _TEMPO,
        right=_receiver("a", 9411) + _TEMPO,
        check=_used_by_alloy,
    ),
)
