"""The ASGI scope of a connection's requests, as far as the connection determines it."""

from __future__ import annotations

import asyncio
from typing import Any


def connection_scope(transport: asyncio.BaseTransport, *, plain: bool) -> dict[str, Any]:
    """A scope with what all requests have in common, and with all keys, so that copies never have to grow.

    plain: without TLS.
    """
    peer = transport.get_extra_info("peername")
    local = transport.get_extra_info("sockname")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "",
        "method": "",
        "scheme": "http" if plain else "https",
        "path": "",
        "raw_path": b"",
        "query_string": b"",
        "root_path": "",
        "headers": (),
        "client": tuple(peer[:2]) if isinstance(peer, tuple | list) else None,
        "server": tuple(local[:2]) if isinstance(local, tuple | list) else None,
        "extensions": {},
    }
