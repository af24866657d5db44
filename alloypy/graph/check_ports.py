"""Receivers that want to listen on the same port.

Source: RUNTIME spec section 2.4 (constructor failures).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from alloypy.catalog.rules.body import Body, Undecided
from alloypy.graph import codes
from alloypy.graph.check_scope import CheckedNode
from alloypy.graph.check_values import ValueCheck
from alloypy.graph.check_warnings import RECEIVERS
from alloypy.graph.nodes import Kind
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block


class Listener(NamedTuple):
    """Where a component listens, as far as the file decides it."""

    node: CheckedNode
    address: str
    port: int

    def collides(self, other: Listener) -> bool:
        """Whether only one of the two, on one port, can listen. Names are not looked up."""
        addresses = {self.address.strip("[]"), other.address.strip("[]")}
        if len(addresses) == 1 or addresses & {"", "::"}:
            return True
        return "0.0.0.0" in addresses and not any(":" in address for address in addresses)


def listener_of(node: CheckedNode, check: ValueCheck) -> Listener | None:
    """Where a node listens; None for what does not, or where only running tells."""
    if node.kind is not Kind.COMPONENT or node.name not in RECEIVERS or node.arguments is None:
        return None
    http = Body(node.arguments, node.body, check.decided).block("http")
    try:
        return None if http is None else Listener(node, http.text("listen_address"), http.get("listen_port"))
    except Undecided:
        return None


def check_ports(listeners: Iterable[Listener]) -> Iterator[Diagnostic]:
    """A fault for every listener whose port is taken by one before it."""
    taken: dict[int, list[Listener]] = {}
    for listener in listeners:
        if listener.port == 0:  # any free one
            continue
        there = taken.setdefault(listener.port, [])
        other = next((known for known in there if listener.collides(known)), None)
        if other is not None:
            host = f"[{listener.address}]" if ":" in listener.address.strip("[]") else listener.address
            message = f"listen tcp {host}:{listener.port}: bind: address already in use"
            hint = f"{other.node.id} listens there, too"
            yield Diagnostic(_place(listener.node), message, codes.SAME_PORT, hint=hint)
        there.append(listener)


def _place(node: CheckedNode) -> Span:
    """The port where it is written, else the head of the component."""
    for statement in node.body:
        if isinstance(statement, Block) and statement.full_name == "http":
            for inner in statement.body:
                if isinstance(inner, Attribute) and inner.name.name == "listen_port":
                    return Span(node.source, inner.start, inner.end)
    return Span(node.source, node.block.start, node.block.lcurly)
