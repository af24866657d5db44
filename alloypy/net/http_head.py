"""What the head of an HTTP request says, and when it cannot be served, in Go's words.

Source: PYROSCOPE spec sections 3.3, 3.9; what is refused beyond Alloy stands in docs/compatibility.md.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Sequence

_BAD_ESCAPE = re.compile(b"%(?![0-9a-fA-F]{2})")
_OF_HOSTS = bytes(byte for byte in range(ord("!"), ord("~") + 1) if byte not in b'"<>\\^`{|}/@?#')
_ABOUT_FRAMING = frozenset((b"content-length", b"transfer-encoding", b"host", b"expect"))


class Refused(Exception):
    """A request cannot be served; the connection is closed after `status` and the text."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


def read_head(headers: Sequence[tuple[bytes, bytes]], version: str) -> tuple[int | None, bool]:
    """The framing of the body: its length (None = chunked), whether a 100 is expected.

    headers: have lower-case names. Raises Refused.
    """
    length: int | None = 0
    hosts = 0
    expects_continue = False
    for name, value in headers:
        if name not in _ABOUT_FRAMING:
            continue
        if name == b"content-length":
            length = int(value)
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
    if version not in ("1.1", "1.0"):
        raise Refused(505, "505 HTTP Version Not Supported: unsupported protocol version")
    if hosts > 1:
        raise Refused(400, "400 Bad Request")
    if not hosts and version == "1.1":
        raise Refused(400, "400 Bad Request: missing required Host header")
    return length, expects_continue


def read_target(target: bytes) -> tuple[str, bytes, bytes]:
    """What a request asks for: the decoded path, the path as sent, the query as sent. Raises Refused."""
    if not target.startswith(b"/"):
        target = _origin_form(target)
    raw_path, _, query = target.partition(b"?")
    path = raw_path.decode("ascii", "surrogateescape")
    if "%" in path:
        if _BAD_ESCAPE.search(raw_path):
            raise Refused(400, "400 Bad Request")
        path = unescaped(raw_path).decode("utf-8", "surrogateescape")
    return path, raw_path, query


def unescaped(part: bytes) -> bytes:
    """A part of a URL with its escapes resolved; they have to be whole.

    Quoted-printable differs in its sign only, and its decoder takes a hundredth of the time of urllib's.
    """
    return a2b_qp(part.replace(b"=", b"=3D").replace(b"%", b"="))


def _origin_form(target: bytes) -> bytes:
    """The path and query of a target in absolute form."""
    if target == b"*":
        return target
    scheme, found, rest = target.partition(b"://")
    if not found or not scheme.isalpha():
        raise Refused(400, "400 Bad Request")
    slash = rest.find(b"/")
    return rest[slash:] if slash >= 0 else b"/"
