"""Clients that send what real SDKs have sent, each request with a mark of its own in a label."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

from alloypy.profiles.pb import push_pb2
from tests.soak import wire
from tests.soak.clients import World

_FOLDER = Path(__file__).parents[1] / "golden" / "pyroscope" / "wire"
_LEFT_OUT = frozenset({"host", "content-length", "transfer-encoding", "authorization", "connection"})
_CHUNK_BYTES = 8192
_REQUESTS_PER_CONNECTION = 20

Request = Callable[[int], bytes]
"""Makes a request with a mark from its number."""


def _head(recorded: dict[str, object], target: str) -> str:
    headers = recorded["headers"]
    assert isinstance(headers, list)
    lines = [f"{name}: {value}" for name, value in headers if name.lower() not in _LEFT_OUT]
    return "\r\n".join((f"POST {target} HTTP/1.1", "Host: soak", *lines, ""))


def _is_chunked(recorded: dict[str, object]) -> bool:
    headers = recorded["headers"]
    assert isinstance(headers, list)
    return any(name.lower() == "transfer-encoding" for name, _ in headers)


def _framed(head: str, body: bytes, *, in_chunks: bool) -> bytes:
    if not in_chunks:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    parts = [body[at : at + _CHUNK_BYTES] for at in range(0, len(body), _CHUNK_BYTES)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks


def _request(recorded: dict[str, object]) -> Request:
    path, query, content = recorded["path"], recorded["query"], recorded["body"]
    assert isinstance(path, str) and isinstance(query, str) and isinstance(content, dict)
    body = base64.b64decode(content["base64"])
    chunked = _is_chunked(recorded)
    if path == "/ingest":
        before, brace, after = query.partition("%7B")
        assert brace, query

        def ingest(number: int) -> bytes:
            target = f"{path}?{before}{brace}soak%3Dsoak-{number:012d}%2C{after}"
            return _framed(_head(recorded, target), body, in_chunks=chunked)

        return ingest
    message = push_pb2.PushRequest.FromString(gzip.decompress(body))

    def push(number: int) -> bytes:
        marked = push_pb2.PushRequest()
        marked.CopyFrom(message)
        for series in marked.series:
            series.labels.add(name="soak", value=f"soak-{number:012d}")
        packed = gzip.compress(marked.SerializeToString(), 1)
        return _framed(_head(recorded, path), packed, in_chunks=chunked)

    return push


REQUESTS: dict[str, Request] = {
    path.stem: _request(json.loads(path.read_text())["in"]) for path in sorted(_FOLDER.glob("sdk_*.json"))
}
"""By the name of the recording."""

ALL = [*REQUESTS.values()]


async def visit(world: World) -> None:
    """Send some requests over one connection, as SDKs do."""
    async with world.connection() as (reader, writer):
        for _ in range(_REQUESTS_PER_CONNECTION):
            number, _ = world.profile(1)
            writer.write(world.chance.choice(ALL)(number))
            answer = await wire.read_message(reader)
            if answer is None:
                return
            world.answers[f"good: {answer.status}"] += 1
            if answer.status == 200:
                world.acknowledged.add(number)
