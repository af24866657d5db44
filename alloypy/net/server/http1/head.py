"""What the head of an HTTP request says, and why a request cannot be served, in Go's words.

Source: docs/spec/PYROSCOPE.md, sections 3.3, 3.9; docs/compatibility.md lists what only alloypy refuses.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Iterator
from typing import Final, TypeAlias

_BAD_ESCAPE: Final = re.compile(b"%(?![0-9a-fA-F]{2})")
_OF_HOSTS: Final = bytes(byte for byte in range(ord("!"), ord("~") + 1) if byte not in b'"<>\\^`{|}/@?#')
_ABOUT_FRAMING: Final = frozenset((b"content-length", b"transfer-encoding", b"host", b"expect", b"trailer"))
_BAD_TRAILERS: Final = frozenset((b"content-length", b"trailer", b"transfer-encoding"))
_ABSOLUTE: Final = re.compile(
    rb"([A-Za-z][A-Za-z0-9+.-]*)://((?:[^/?#@]*@)?(?:\[[0-9A-Fa-f:.%]+\]|[^/?#@:\[\]]*)(?::[0-9]*)?)([/?].*|)",
    re.DOTALL,
)
_LONGEST_LENGTH: Final = 1 << 63

Head: TypeAlias = tuple[int | None, bool, bool]
"""What a request's header fields say about its body.

Its length in bytes (None = chunked); whether the client waits for a 100; whether nothing more is read from
this connection because the framing is doubtful (RFC 9112 section 6.1). Plain tuples, here and below, because
they are made for each request.
"""

Target: TypeAlias = tuple[str, bytes, bytes, bytes]
"""A request's target: the decoded path, path and query as sent, `http://host` of an absolute target."""

HEAD_TOO_LARGE: Final = "431 Request Header Fields Too Large"
"""The refusal of a head that is larger than allowed."""


class Refused(Exception):
    """A request cannot be served; the connection is closed after `status` and the text.

    reason: what the parser found malformed, for the log; empty if the text says it.
    """

    def __init__(self, status: int, text: str, reason: str = "") -> None:
        self.status = status
        self.reason = reason
        super().__init__(text)


def read_head(headers: list[tuple[bytes, bytes]], version: str) -> Head:
    """The framing of the body. headers: with lower-case names. Raises Refused."""
    length: int | None = 0
    hosts = 0
    expects_continue = False
    trailers = b""
    for name, value in headers:
        if name not in _ABOUT_FRAMING:
            continue
        if name == b"content-length":
            length = int(value) if len(value) < 19 else _length(value)
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise Refused(501, "Unsupported transfer encoding")
            length = None
        elif name == b"host":
            hosts += 1
            if value.translate(None, _OF_HOSTS):
                raise Refused(400, "400 Bad Request: malformed Host header")
        elif name == b"expect":
            if value.lower() != b"100-continue":
                raise Refused(417, "")
            expects_continue = version == "1.1"
        else:
            trailers = trailers + b"," + value
    if version not in ("1.1", "1.0"):
        raise Refused(505, "505 HTTP Version Not Supported: unsupported protocol version")
    if hosts > 1:
        raise Refused(400, "400 Bad Request")
    if not hosts and version == "1.1":
        raise Refused(400, "400 Bad Request: missing required Host header")
    if trailers and length is None and not _BAD_TRAILERS.isdisjoint(_elements(trailers)):
        raise Refused(400, "400 Bad Request")
    return length, expects_continue, length is None and version == "1.0"


def _length(value: bytes) -> int:
    """A Content-Length, which the parser has checked to consist of digits."""
    digits = value.strip().lstrip(b"0")
    length = int(digits or b"0") if len(digits) < 20 else _LONGEST_LENGTH
    if length >= _LONGEST_LENGTH:
        raise Refused(400, "400 Bad Request")
    return length


def _elements(value: bytes) -> Iterator[bytes]:
    return (element.strip().lower() for element in value.split(b","))


def read_target(target: bytes) -> Target:
    """The parts of a request's target. Raises Refused."""
    origin = b""
    if not target.startswith(b"/") and target != b"*":
        target, origin = _origin_form(target)
    raw_path, _, query = target.partition(b"?")
    path = raw_path.decode("ascii", "surrogateescape")
    if "%" in path:
        if _BAD_ESCAPE.search(raw_path):
            raise Refused(400, "400 Bad Request")
        path = unescaped(raw_path).decode("utf-8", "surrogateescape")
    return path, raw_path, query, origin


def unescaped(part: bytes) -> bytes:
    """A part of a URL with its escapes decoded; they must be complete.

    Quoted-printable differs only in its escape sign, and its decoder takes a hundredth of urllib's time.
    """
    return a2b_qp(part.replace(b"=", b"=3D").replace(b"%", b"="))


def _origin_form(target: bytes) -> tuple[bytes, bytes]:
    """The path and query of a target in absolute form, and what precedes them.

    The authority ends where a path or a query begins (RFC 3986 section 3.2).
    """
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise Refused(400, "400 Bad Request")
    return match[3], match[1] + b"://" + match[2]
