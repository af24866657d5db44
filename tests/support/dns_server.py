"""A DNS server on loopback that answers, over UDP and TCP, as a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class Zone(dict[str, list[str]]):
    """What the server knows: by `name. KIND`, the records as `KIND text` or `text`.

    asked: each question as `name. KIND protocol`. rcode: the name of what every answer says, or "".
    truncated: whether answers over UDP are cut. garbage: what is sent instead of an answer, or before it.
    silent: whether nothing is answered.
    """

    def __init__(self, *given: object, **more: object) -> None:
        super().__init__(*given, **more)  # type: ignore[arg-type]
        self.asked: list[str] = []
        self.rcode = ""
        self.truncated = False
        self.garbage: list[bytes] = []
        self.silent = False

    def answers(self, data: bytes, protocol: str) -> Iterator[bytes]:
        """The datagrams to send for one question."""
        question = dns.message.from_wire(data)
        name, kind = question.question[0].name.to_text(), dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append(f"{name} {kind} {protocol}")
        yield from self.garbage
        if self.silent:
            return
        answer = dns.message.make_response(question)
        if self.rcode:
            answer.set_rcode(dns.rcode.from_text(self.rcode))
        elif name not in {each.partition(" ")[0] for each in self}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif self.truncated and protocol == "udp":
            answer.flags |= dns.flags.TC
        else:
            for record in self.get(f"{name} {kind}", ()):
                first, _, rest = record.partition(" ")
                own = first if first in ("TXT", "CNAME", "A") else kind
                text = rest if own == first else record
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", own, text))
        yield answer.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        for answer in self._zone.answers(data, "udp"):
            self._transport.sendto(answer, address)


@asynccontextmanager
async def serving(zone: Zone, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """The port of the server, the same for both protocols; 0 for any that is free."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        for answer in zone.answers(await reader.readexactly(size), "tcp"):
            writer.write(len(answer).to_bytes(2, "big") + answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, host, port)
    found: int = server.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(zone), (host, found)
    )
    async with server:
        try:
            yield found
        finally:
            transport.close()
