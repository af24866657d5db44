"""Connect's error codes, with their HTTP statuses and gRPC numbers, and errors as JSON.

Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from alloypy.lang.brief import brief
from alloypy.net.server.answer import Answer
from alloypy.net.server.body import Header

_MESSAGE_CHARACTERS = 10_000
_SURROGATES = "[\ud800-\udfff]"
# What Go's JSON encoder escapes and Python's does not.
_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_NEEDS_GO_ESCAPE = "[<>&\u2028\u2029]"


class ErrorCode(NamedTuple):
    """One error code: its HTTP status and its gRPC number."""

    status: int
    number: int


CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "canceled": ErrorCode(499, 1),
        "unknown": ErrorCode(500, 2),
        "invalid_argument": ErrorCode(400, 3),
        "deadline_exceeded": ErrorCode(504, 4),
        "not_found": ErrorCode(404, 5),
        "already_exists": ErrorCode(409, 6),
        "permission_denied": ErrorCode(403, 7),
        "resource_exhausted": ErrorCode(429, 8),
        "failed_precondition": ErrorCode(400, 9),
        "aborted": ErrorCode(409, 10),
        "out_of_range": ErrorCode(400, 11),
        "unimplemented": ErrorCode(501, 12),
        "internal": ErrorCode(500, 13),
        "unavailable": ErrorCode(503, 14),
        "data_loss": ErrorCode(500, 15),
        "unauthenticated": ErrorCode(401, 16),
    }
)


class ConnectError(Exception):
    """A method failed; the client gets the code and the message.

    status: the HTTP status, where it is not the code's own; headers: extra headers of the answer.
    """

    def __init__(
        self, code: str, message: str, *, status: int | None = None, headers: Sequence[Header] = ()
    ) -> None:
        self.code = code
        self.status = status or CODES[code].status
        self.headers = headers
        super().__init__(brief(message, _MESSAGE_CHARACTERS))


def undecodable(kind: str, reason: str) -> ConnectError:
    """The error for a message that is not of this kind, a type named as in Go: `pushv1.PushRequest`."""
    return ConnectError("invalid_argument", f"unmarshal message: unmarshal into *{kind}: {reason}")


def no_json() -> ConnectError:
    """The error for a JSON message that is empty."""
    return ConnectError(
        "invalid_argument", "unmarshal message: zero-length payload is not a valid JSON object"
    )


def error_answer(error: ConnectError) -> Answer:
    """The error as a unary Connect response."""
    body = error_json(error.code, str(error)).encode("utf-8")
    return Answer(
        error.status,
        (
            (b"accept-encoding", b"gzip"),
            (b"content-type", b"application/json"),
            *error.headers,
            (b"content-length", b"%d" % len(body)),
        ),
        body,
    )


def error_json(code: str, message: str) -> str:
    """A Connect error as JSON, escaped as in Go."""
    written = f'{{"code":"{code}"'
    if message:
        written += f',"message":{_go_string(message)}'
    return written + "}"


def _go_string(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    escaped = re.sub(_NEEDS_GO_ESCAPE, lambda match: _GO_ESCAPES[match.group()], escaped)
    return re.sub(_SURROGATES, "\\\\ufffd", escaped)
