"""Unary methods served over Connect, gRPC-web and gRPC on HTTP/1.1.

A method is a coroutine that takes a message and returns one, both encoded with the client's codec.
Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Final, Literal, NamedTuple, TypeAlias

from alloypy.lang.brief import brief
from alloypy.lang.go.text import int_fault, quote
from alloypy.net.gzip import GzipError, TooLarge, Unpacking, compress
from alloypy.net.rpc.codes import ConnectError, error_answer
from alloypy.net.rpc.grpc import (
    GrpcTimeoutError,
    grpc_answer,
    grpc_error,
    parse_grpc_timeout,
    split_frames,
)
from alloypy.net.server.answer import CLOSE, Answer, empty
from alloypy.net.server.body import (
    BodyBroken,
    BodyMalformed,
    BodyStalled,
    BodyTooLarge,
    OverBudget,
    Receive,
    Scope,
    arrived_body,
    holder,
    read_body,
)
from alloypy.profiles.model import Buffer
from alloypy.threads import WORK

Codec: TypeAlias = Literal["proto", "json"]

RETRY_LATER: Final = (b"retry-after", b"5")
TOO_BUSY: Final = "the message could not be read in time"
WORK_SECONDS: Final = 30.0
"""Seconds that a thread may take to unpack or parse a message, including the wait for a free thread."""


_IDENTITY: Final = b"identity"
_GZIP: Final = b"gzip"
_LARGE_BYTES: Final = 256 << 10
_LARGEST_STEP_BYTES: Final = 16 << 20
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_MEDIA_TYPE: Final = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;(.*))?", re.DOTALL
)
_CHARSET: Final = re.compile(r'charset=(?:utf-8|"utf-8")\s*;?')


class UnaryRequest:
    """One call: its message in `codec`, and the loop time until which the client waits for the answer."""

    __slots__ = ("codec", "deadline", "message")

    def __init__(self, codec: Codec, message: Buffer, deadline: float | None) -> None:
        self.codec = codec
        self.message = message
        self.deadline = deadline


Method: TypeAlias = Callable[[UnaryRequest], Awaitable[bytes]]
"""Returns a message in the request's codec. Raises ConnectError."""


class _Kind(NamedTuple):
    """What a content type means; `written` is its canonical form."""

    written: bytes
    protocol: Literal["connect", "grpc", "grpc-web"]
    codec: Codec


def _kinds() -> dict[bytes, _Kind]:
    kinds = [
        _Kind(b"application/proto", "connect", "proto"),
        _Kind(b"application/json", "connect", "json"),
        _Kind(b"application/json; charset=utf-8", "connect", "json"),
    ]
    for protocol in ("grpc", "grpc-web"):
        base = b"application/" + protocol.encode("ascii")
        kinds += [
            _Kind(base, protocol, "proto"),
            _Kind(base + b"+proto", protocol, "proto"),
            _Kind(base + b"+json", protocol, "json"),
            _Kind(base + b"+json; charset=utf-8", protocol, "json"),
        ]
    return {kind.written: kind for kind in kinds}


_KINDS: Final = _kinds()
_ACCEPT_POST: Final = b", ".join(sorted(_KINDS))


def answer_unary(scope: Scope, receive: Receive, method: Method, limit: int) -> Awaitable[Answer]:
    """Serve one call of `method`, with a message of at most `limit` bytes. Raises ClientLeft."""
    headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # the first of a name counts
    content_type = headers.get(b"content-type", b"")
    kind = _KINDS.get(content_type) or _KINDS.get(_canonical(content_type))
    if kind is None:
        return _unsupported()
    if kind.protocol == "connect":
        return _answer_connect(scope, receive, method, limit, kind, headers)
    return _answer_grpc(scope, receive, method, limit, kind, headers)


async def _unsupported() -> Answer:
    return empty(415, (b"accept-post", _ACCEPT_POST))


async def _answer_connect(
    scope: Scope, receive: Receive, method: Method, limit: int, kind: _Kind, headers: dict[bytes, bytes]
) -> Answer:
    try:
        sent = headers.get(b"content-encoding", b"")
        compressed = _check_compression(sent)
        version = headers.get(b"connect-protocol-version", b"")
        if version not in (b"", b"1"):
            raise ConnectError(
                "invalid_argument",
                f'Connect-Protocol-Version must be "1": got {quote(brief(_text(version)))}',
            )
        deadline = _connect_deadline(headers.get(b"connect-timeout-ms", b""))
        body = arrived_body(scope, limit) if deadline is None else None
        if body is None:
            body = await _receive_body(scope, receive, limit, deadline)
        if compressed and body:
            body = await _unpack(scope, body, limit)
        message = await method(UnaryRequest(kind.codec, body, deadline))
    except ConnectError as error:
        return error_answer(error)
    zipped = compressed or _accepts_gzip(headers.get(b"accept-encoding", b""))
    return _success(kind.written, message, zipped) if message else _empty_success(kind.written, zipped)


@cache
def _empty_success(content_type: bytes, zipped: bool) -> Answer:
    return _success(content_type, b"", zipped)


def _success(content_type: bytes, message: bytes, zipped: bool) -> Answer:
    encoding: tuple[tuple[bytes, bytes], ...] = ()
    if zipped:
        message = compress(message)
        encoding = ((b"content-encoding", _GZIP),)
    return Answer(
        200,
        (
            (b"accept-encoding", _GZIP),
            *encoding,
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(message)),
        ),
        message,
    )


async def _answer_grpc(
    scope: Scope, receive: Receive, method: Method, limit: int, kind: _Kind, headers: dict[bytes, bytes]
) -> Answer:
    web = kind.protocol == "grpc-web"
    start = [(b"content-type", kind.written), (b"grpc-accept-encoding", _GZIP)]
    zipped_reply = False
    try:
        try:
            can_unpack = _check_compression(headers.get(b"grpc-encoding", b""))
        except ConnectError:
            start.append((b"grpc-encoding", b""))
            raise
        zipped_reply = can_unpack or _accepts_gzip(headers.get(b"grpc-accept-encoding", b""))
        if zipped_reply:
            start.append((b"grpc-encoding", _GZIP))
        deadline = _grpc_deadline(headers.get(b"grpc-timeout", b""))
        body = await _receive_body(scope, receive, limit, deadline)
        message, packed = split_frames(body, can_unpack=can_unpack, web=web)
        if packed and message:
            message = await _unpack(scope, message, limit)
        reply = await method(UnaryRequest(kind.codec, message, deadline))
    except ConnectError as error:
        return grpc_error(error, (*start, *error.headers), web=web)
    return grpc_answer(reply, start, web=web, zipped=zipped_reply)


async def _receive_body(scope: Scope, receive: Receive, limit: int, deadline: float | None) -> Buffer:
    """The request's body. Raises ConnectError, and ClientLeft if nobody is there to answer."""
    try:
        if deadline is None:
            return await read_body(scope, receive, limit)
        try:
            body = await read_body(scope, receive, limit, deadline)
            if asyncio.get_running_loop().time() >= deadline:
                raise TimeoutError
        except TimeoutError:
            raise ConnectError("deadline_exceeded", "context deadline exceeded", headers=(CLOSE,)) from None
        return body
    except BodyTooLarge as large:
        raise ConnectError("resource_exhausted", str(large), status=413, headers=(CLOSE,)) from None
    except BodyStalled as stalled:
        raise ConnectError("deadline_exceeded", f"read message: {stalled}", headers=(CLOSE,)) from None
    except BodyMalformed as malformed:
        raise ConnectError("invalid_argument", f"read message: {malformed}", headers=(CLOSE,)) from None
    except BodyBroken as broken:
        raise ConnectError("unknown", f"read message: {broken}", headers=(CLOSE,)) from None
    except OverBudget as full:
        raise ConnectError("unavailable", str(full), headers=(RETRY_LATER, CLOSE)) from None


async def _unpack(scope: Scope, body: Buffer, limit: int) -> Buffer:
    """The gzip body, unpacked and counted against the byte budget. Raises ConnectError."""
    unpacking = Unpacking(body, limit)
    hold = holder(scope)
    try:
        done = len(body) <= _LARGE_BYTES and unpacking.advance(_LARGE_BYTES)
        hold(unpacking.size)
        if not done:
            await _unpack_aside(unpacking, hold, limit)
    except GzipError as damaged:
        raise ConnectError("invalid_argument", str(damaged)) from None
    except TooLarge as large:
        raise ConnectError("resource_exhausted", str(large), status=413) from None
    except OverBudget as full:
        raise ConnectError("unavailable", str(full), headers=(RETRY_LATER,)) from None
    except TimeoutError:
        raise ConnectError("unavailable", TOO_BUSY, headers=(RETRY_LATER,)) from None
    return unpacking.content


async def _unpack_aside(unpacking: Unpacking, hold: Callable[[int], None], limit: int) -> None:
    """Unpack outside the event loop; the most that a step may yield is held before it.

    Raises GzipError, TooLarge, OverBudget, and TimeoutError when it takes too long.
    """
    async with asyncio.timeout(WORK_SECONDS):
        step, done = _LARGE_BYTES, False
        while not done:
            step = min(4 * step, _LARGEST_STEP_BYTES, limit + 1 - unpacking.size)
            hold(step)
            before = unpacking.size
            done = await WORK.run(partial(unpacking.advance, step), WORK_SECONDS)
            hold(unpacking.size - before - step)


def _check_compression(sent: bytes) -> bool:
    """Whether the client compresses. Raises ConnectError if it does so in a way we cannot undo."""
    if sent in (b"", _IDENTITY):
        return False
    if sent != _GZIP:
        raise ConnectError(
            "unimplemented", f"unknown compression {quote(brief(_text(sent)))}: supported encodings are gzip"
        )
    return True


def _accepts_gzip(accepted: bytes) -> bool:
    return accepted == _GZIP or (bool(accepted) and _GZIP in accepted.replace(b",", b" ").split(b" "))


def _connect_deadline(sent: bytes) -> float | None:
    """The loop time at which the client's Connect-Timeout-Ms is up. Raises ConnectError."""
    if not sent:
        return None
    text = brief(_text(sent))
    if len(sent) > 10:
        raise ConnectError("invalid_argument", f"parse timeout: {quote(text)} has >10 digits")
    if not _INTEGER.fullmatch(text):
        raise ConnectError("invalid_argument", f"parse timeout: {int_fault(text)}")
    return asyncio.get_running_loop().time() + int(text) / 1000


def _grpc_deadline(sent: bytes) -> float | None:
    if not sent:
        return None
    try:
        seconds = parse_grpc_timeout(_text(sent))
    except GrpcTimeoutError as reason:
        raise ConnectError("invalid_argument", str(reason)) from None
    return None if seconds is None else asyncio.get_running_loop().time() + seconds


def _canonical(content_type: bytes) -> bytes:
    """The type in lower case, with no parameter except a charset of utf-8; empty for any other."""
    match = _MEDIA_TYPE.fullmatch(_text(content_type).lower())
    if match is None:
        return b""
    kind, parameters = match.group(1), match.group(2)
    parameters = parameters.strip() if parameters else ""
    if parameters:
        if not _CHARSET.fullmatch(parameters):
            return b""
        kind += "; charset=utf-8"
    return str(kind).encode("ascii")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
