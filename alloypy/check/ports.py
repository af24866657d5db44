"""Finds receivers that would listen on the same port.

Source: docs/spec/RUNTIME.md, section 2.4 (constructor failures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from alloypy.check.scope import CheckedNode
from alloypy.graph import codes
from alloypy.graph.nodes import Kind, block_id
from alloypy.lang.go.address import join_host_port, listen_host
from alloypy.lang.types import Type
from alloypy.rules.body import Body
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block, Expression

RECEIVERS = frozenset({
    "pyroscope.receive_http",
    "prometheus.receive_http",
    "loki.source.api",
    "loki.source.awsfirehose",
    "loki.source.heroku",
})  # fmt: skip
"""Components with an `http` block that sets their listen address."""

_PLAIN = 'write an address without brackets, such as "::1"'


class Listener(NamedTuple):
    """Where a component listens, as far as the file determines it."""

    node: CheckedNode
    address: str
    port: int

    def collides(self, other: Listener) -> bool:
        """Whether the two, with the same port, cannot both listen. No name but `localhost` is resolved."""
        addresses = {_plain(self.address), _plain(other.address)}
        return len(addresses) == 1 or "" in addresses


def _plain(address: str) -> str:
    """The same text for the same address; "" for all interfaces."""
    if address == "localhost":
        return "127.0.0.1"
    import ipaddress

    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return "" if parsed.is_unspecified else str(parsed)


def listener_of(node: CheckedNode, decided: Callable[[Expression, Type], Any]) -> Listener | None:
    """Where a node listens; None if it does not listen, or if only running can tell where."""
    if node.kind is not Kind.COMPONENT or node.name not in RECEIVERS or node.arguments is None:
        return None
    http = Body(node.arguments, node.body, decided).block("http")
    try:
        return None if http is None else Listener(node, http.text("listen_address"), http.get("listen_port"))
    except Undecided:
        return None


def check_ports(listeners: Iterable[Listener]) -> Iterator[Diagnostic]:
    """A fault for every listener with an invalid address, or whose port is taken by an earlier one."""
    taken: dict[int, list[Listener]] = {}
    for listener in sorted(listeners, key=_where):
        fault = _fault(listener)
        if fault:
            yield Diagnostic(_place(listener.node, "listen_address"), fault, codes.LOAD_RULE, hint=_PLAIN)
            continue
        if listener.port == 0:  # any free port
            continue
        there = taken.setdefault(listener.port, [])
        other = next((known for known in there if listener.collides(known)), None)
        if other is not None:
            address = join_host_port(listener.address, listener.port)
            message = f"listen tcp {address}: bind: address already in use"
            yield Diagnostic(
                _place(listener.node, "listen_port"), message, codes.SAME_PORT, hint=_hint(listener, other)
            )
        there.append(listener)


def _where(listener: Listener) -> tuple[str, int]:
    return listener.node.source.name, listener.node.block.start


def _hint(listener: Listener, other: Listener) -> str:
    if listener.node is other.node:
        return "it exists more than once, each time on this port; take the port from an argument or the item"
    return f"{block_id(other.node.block)} also listens there"


def _fault(listener: Listener) -> str:
    """What is wrong with the address; nothing if it is one."""
    try:
        listen_host(listener.address, listener.port)
    except ValueError as error:
        return str(error)
    return ""


def _place(node: CheckedNode, name: str) -> Span:
    """The place of the setting if it is written, else the head of the component."""
    for statement in node.body:
        if isinstance(statement, Block) and statement.full_name == "http":
            for inner in statement.body:
                if isinstance(inner, Attribute) and inner.name.name == name:
                    return Span(node.source, inner.start, inner.end)
    return Span(node.source, node.block.start, node.block.lcurly)
