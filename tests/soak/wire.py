"""HTTP/1.1 as bytes: what a client can send right or wrong, and how answers and requests are read."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import NamedTuple

OF_ONE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length"})
"""Headers that are not passed on."""


class Message(NamedTuple):
    """A request or an answer: its first line, headers with lower-case names (the last of a name), body."""

    start: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.start.split(" ", 2)[1])


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None at the end. Raises ValueError if it is not HTTP."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    start, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Message(start, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readline() not in (b"\r\n", b""):
        pass
    return b"".join(parts)


def unpacked(message: Message) -> bytes:
    """The body without its gzip."""
    body = message.body
    if message.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return body


def post(target: str, body: bytes, **headers: str) -> bytes:
    """A well-formed request. Underscores in names stand for hyphens."""
    lines = {"host": "soak", "content-length": str(len(body))} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def bomb(part: bytes, count: int) -> bytes:
    """`part`, `count` times over, as gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(part * 1000) for _ in range(count // 1000))
    return packed + packer.flush()
