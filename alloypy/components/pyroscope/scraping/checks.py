"""Whether a response is a profile, as far as that shows without decoding it.

The first checks, and their texts, are Alloy's; it takes everything else for a profile.
Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

import re

from alloypy.lang.brief import brief
from alloypy.lang.go.text import quote
from alloypy.net.client.messages import Response

MOST_BYTES = 32 << 20
"""The largest profile that is read."""

GZIP = b"\x1f\x8b"
_TYPE = "application/octet-stream"
_SPACE = b" \t\n\r"
_MARKUP = re.compile(rb"[ \t\n\r]*<(?:![Dd].{6}|[hHbBtT].{3})", re.DOTALL)
_SHORTEST_TEXT = 10
_LONGEST_SHORT_JSON = 20
_LOOKED_AT = 64
_PREVIEW = 50
_ERROR_CHARACTERS = 2000

_SHORTEST_GZIP = 18
_DEFLATE = 8
_MESSAGES = frozenset((1, 2, 3, 4, 5, 6, 11))
_NUMBERS = frozenset((7, 8, 9, 10, 12, 13, 14, 15))
_VARINT, _BYTES = 0, 2


class NoProfile(Exception):
    """The target did not answer with a profile; the text is Alloy's reason."""


def check(response: Response, name: str) -> None:
    """Raise NoProfile unless a response has a profile. name: the type of profile."""
    body = response.body
    if response.broken:
        raise NoProfile(f"failed to read body: {response.broken}")
    if not 200 <= response.status < 300:
        text = body[: _ERROR_CHARACTERS * 4].strip().decode(errors="replace")
        raise NoProfile(
            f"server returned HTTP status ({response.status}) "
            f"{brief(text, _ERROR_CHARACTERS) if body else f'{response.status} {response.reason}'}"
        )
    if len(body) > MOST_BYTES:
        raise NoProfile(f"the profile is larger than {MOST_BYTES >> 20} MiB")
    if not body:
        raise NoProfile(f"empty {name} profile")
    fault = _fault(body, response.header("content-type"))
    if fault:
        raise NoProfile(f"invalid profile data: {fault}")


def _fault(body: bytes, content_type: str) -> str:
    if not content_type:
        return "missing Content-Type header"
    if not content_type.startswith(_TYPE):
        return f"unexpected Content-Type {brief(content_type)}, expected {_TYPE} for pprof data"
    if _is_text(body):
        start = quote(body[:_PREVIEW].decode(errors="surrogateescape"))
        return f"text response instead of pprof: {start} (server should return HTTP error, not 200)"
    if len(body) <= 2:
        return "data too short for pprof format"
    return _gzip_fault(body) if body.startswith(GZIP) else _message_fault(body)


def _is_text(body: bytes) -> bool:
    if len(body) < _SHORTEST_TEXT:
        return False
    first = body[0]
    if first > 0x7B or first not in b" \t\n\r<{[":  # nearly always
        return False
    if _MARKUP.match(body):
        return True
    return body[:_LOOKED_AT].lstrip(_SPACE)[:1] in (b"{", b"[") and len(body) > _LONGEST_SHORT_JSON


def _gzip_fault(body: bytes) -> str:
    if len(body) < _SHORTEST_GZIP or body[2] != _DEFLATE:
        return f"incomplete gzip data, first bytes: {body[:16].hex()}"
    return ""


def _message_fault(body: bytes) -> str:
    """What is wrong with the first field of an uncompressed profile."""
    field, wire = body[0] >> 3, body[0] & 7
    if wire >= 6:
        return (
            f"invalid protobuf data: illegal wireType {wire} (expected 0-5), first bytes: {body[:16].hex()}"
        )
    if (field in _MESSAGES and wire == _BYTES) or (field in _NUMBERS and wire in (_VARINT, _BYTES)):
        return ""
    return f"invalid protobuf data: a profile does not begin with {body[:16].hex()}"
