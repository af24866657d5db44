"""Listen addresses, split and joined as Go does.

Source: Go's package `net`.
"""

from __future__ import annotations

_NO_PORT = "missing port in address"
_COLONS = "too many colons in address"


def join_host_port(host: str, port: int) -> str:
    """`host:port`, with the host in brackets if it contains a colon."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_port_fault(address: str) -> str:
    """Why Go cannot split an address into host and port; "" if it can."""
    host, colon, _ = address.rpartition(":")
    if not colon:
        return _NO_PORT
    if host.startswith("["):
        return "" if host.endswith("]") else _NO_PORT
    return _COLONS if ":" in host else ""


def port_fault(port: int) -> str:
    """Why Go cannot listen on a port; "" if it can."""
    return "" if 0 <= port <= 65535 else f"listen tcp: address {port}: invalid port"


def listen_host(host: str, port: int) -> str:
    """The host that Go listens on for a configured `host`. Raises ValueError with Go's text."""
    address = join_host_port(host, port)
    name, _, _ = address.rpartition(":")
    rest = address
    if address.startswith("["):
        name, bracket, after = address[1:].partition("]")
        if not bracket:
            raise ValueError(f"listen tcp: address {address}: missing ']' in address")
        if after != f":{port}":
            reason = _COLONS if after.startswith(":") else _NO_PORT
            raise ValueError(f"listen tcp: address {address}: {reason}")
        rest = name
    for bracket in "[]":
        if bracket in rest:
            raise ValueError(f"listen tcp: address {address}: unexpected '{bracket}' in address")
    return name
