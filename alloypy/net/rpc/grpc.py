"""The framing of gRPC and gRPC-web for one message each way, over HTTP/1.1.

Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from alloypy.lang.go.text import quote, quote_rune
from alloypy.net.gzip import compress
from alloypy.net.rpc.codes import CODES, ConnectError
from alloypy.net.server.answer import Answer
from alloypy.net.server.body import Header
from alloypy.profiles.model import Buffer

_PREFIX_BYTES = 5
_COMPRESSED = 0x01
_TRAILERS = 0x80
_OK = b"0"
_INTEGER = re.compile("([+-]?)([0-9]+)")
_UNITS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "S": 1.0, "M": 60.0, "H": 3600.0}
_MOST_HOURS = 2562047
_LARGEST_INT64 = (1 << 63) - 1


class GrpcTimeoutError(ValueError):
    """A Grpc-Timeout header cannot be read; the text is connect-go's."""


def split_frames(body: Buffer, *, can_unpack: bool, web: bool) -> tuple[Buffer, bool]:
    """The one message of a request body, and whether it is compressed. Raises ConnectError."""
    flags, message, rest = _frame(body)
    if flags is None:
        raise ConnectError("unimplemented", "unary request has zero messages")
    if flags & _COMPRESSED and not can_unpack:
        raise ConnectError("internal", "protocol error: sent compressed message without compression support")
    if flags not in (0, _COMPRESSED):
        if web and flags & _TRAILERS:
            raise ConnectError("unimplemented", "unary request has zero messages")
        raise ConnectError("internal", f"protocol error: invalid envelope flags {flags}")
    next_flags, _, _ = _frame(rest)
    if next_flags is not None and not (web and next_flags & _TRAILERS):
        if next_flags in (0, _COMPRESSED):
            raise ConnectError("unimplemented", "unary request has multiple messages")
        raise ConnectError("internal", f"protocol error: invalid envelope flags {next_flags}")
    return message, flags == _COMPRESSED


def grpc_answer(message: bytes, headers: Sequence[Header], *, web: bool, zipped: bool) -> Answer:
    """A successful response; the status follows as a trailer or, for gRPC-web, as a last frame."""
    body = _framed(message, 0, zipped)
    if web:
        return Answer(200, headers, body + _framed(b"grpc-status: 0\r\n", _TRAILERS, zipped))
    return Answer(200, headers, body, trailers=((b"grpc-status", _OK),))


def grpc_error(error: ConnectError, headers: Sequence[Header], *, web: bool) -> Answer:
    """A failed response: status and message are in the trailers or, for gRPC-web, in the headers."""
    status = (
        (b"grpc-message", _percent_encoded(str(error))),
        (b"grpc-status", b"%d" % CODES[error.code].number),
    )
    if web:
        return Answer(200, (*headers, *status))
    return Answer(200, headers, trailers=status)


def parse_grpc_timeout(text: str) -> float | None:
    """A Grpc-Timeout in seconds; None if it is longer than Go can count. Raises GrpcTimeoutError."""
    unit = _UNITS.get(text[-1])
    if unit is None:
        raise GrpcTimeoutError(f"protocol error: timeout has invalid unit {quote_rune(text[-1])}")
    match = _INTEGER.fullmatch(text[:-1])
    # Digits are counted before they are parsed: Python refuses to parse thousands of them.
    digits = match[2].lstrip("0") if match is not None else ""
    count = int(digits or "0") if len(digits) < 20 else -1
    if match is None or not 0 <= count <= _LARGEST_INT64 or (match[1] == "-" and count):
        raise GrpcTimeoutError(f"protocol error: invalid timeout {quote(text)}")
    if count > 99_999_999:
        raise GrpcTimeoutError(f"protocol error: timeout {quote(text)} is too long")
    if text[-1] == "H" and count > _MOST_HOURS:
        return None
    return count * unit


def _frame(body: Buffer) -> tuple[int | None, Buffer, Buffer]:
    """Flags and content of the first frame, and the rest; flags are None at the end of the body."""
    if not body:
        return None, b"", b""
    if len(body) < _PREFIX_BYTES:
        raise ConnectError("invalid_argument", "protocol error: incomplete envelope: unexpected EOF")
    size = int.from_bytes(body[1:_PREFIX_BYTES], "big")
    if len(body) - _PREFIX_BYTES < size:
        got = len(body) - _PREFIX_BYTES
        raise ConnectError(
            "invalid_argument",
            f"protocol error: promised {size} bytes in enveloped message, got {got} bytes",
        )
    view = memoryview(body)
    return body[0], view[_PREFIX_BYTES : _PREFIX_BYTES + size], view[_PREFIX_BYTES + size :]


def _framed(content: bytes, flags: int, zipped: bool) -> bytes:
    if zipped:
        content = compress(content)
        flags |= _COMPRESSED
    return bytes((flags,)) + len(content).to_bytes(4, "big") + content


def _percent_encoded(text: str) -> bytes:
    """Escape a status message as gRPC requires."""
    encoded = text.encode("utf-8", "surrogateescape")
    return b"".join(
        bytes((byte,)) if 0x20 <= byte <= 0x7E and byte != 0x25 else b"%%%02X" % byte for byte in encoded
    )
