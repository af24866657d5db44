"""The protocols that a server offers, and which one a connection gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, cast

from alloypy.net.server.config import ServerConfig, ServerState


class Offer(NamedTuple):
    """A protocol that a server speaks.

    alpn: its name where TLS negotiates the protocol (RFC 7301). make: creates the protocol of a new
    connection, which is in the state's connections while it is open.
    """

    alpn: str
    make: Callable[[ServerConfig, ServerState], asyncio.BaseProtocol]


Offers: TypeAlias = Sequence[Offer]
"""The preferred protocol first; the last is for clients that negotiate none, with or without TLS."""


def alpn_names(offers: Offers) -> list[str]:
    """The names that TLS negotiates about."""
    return [offer.alpn for offer in offers]


class Negotiated(asyncio.Protocol):
    """A connection's protocol until the handshake is done; then the agreed one takes over."""

    def __init__(self, offers: Offers, config: ServerConfig, state: ServerState) -> None:
        self._offers = offers
        self._config = config
        self._state = state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        offer = next((each for each in self._offers if each.alpn == agreed), self._offers[-1])
        protocol = offer.make(self._config, self._state)
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)
