"""The client's side of unary Connect calls: the headers to send, and what an answer means.

Source: docs/spec/PYROSCOPE.md, sections 5.2, 5.4.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from alloypy.lang.go.text import quote
from alloypy.net.client.messages import Response
from alloypy.net.gzip import GzipError, TooLarge, gunzip
from alloypy.net.rpc.codes import CODES

CONTENT_TYPE: Final = "application/proto"

_JSON_TYPES: Final = ("application/json", "application/json; charset=utf-8")
_MOST_MESSAGE_BYTES: Final = 65536
_LONGEST_TIMEOUT_MS: Final = 9_999_999_999
_CODE_OF_STATUS: Final = {
    400: "internal",
    401: "unauthenticated",
    403: "permission_denied",
    404: "unimplemented",
    429: "unavailable",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}
"""The codes that Connect derives from the status of an answer that is not its own."""


class CallFailure(NamedTuple):
    """A call did not succeed.

    plain: the answer was not Connect's own, so the code was derived from its status.
    """

    code: str
    message: str
    plain: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


def call_headers(user_agent: str, timeout: float) -> list[tuple[str, str]]:
    """The headers of every call. timeout: seconds."""
    headers = [
        ("User-Agent", user_agent),
        ("Accept-Encoding", "gzip"),
        ("Connect-Protocol-Version", "1"),
        ("Content-Type", CONTENT_TYPE),
    ]
    milliseconds = int(timeout * 1000)
    if milliseconds <= _LONGEST_TIMEOUT_MS:  # Connect allows no more digits
        headers.append(("Connect-Timeout-Ms", str(milliseconds)))
    return headers


def failure_of(response: Response) -> CallFailure | None:
    """Why a call failed, or None if it succeeded; the message of a success is not examined."""
    content_type = response.header("content-type")
    if response.status == 200 and content_type == CONTENT_TYPE:
        return CallFailure("unknown", f"read message: {response.broken}") if response.broken else None
    if response.status == 200:
        code = "internal" if content_type.startswith("application/") else "unknown"
        return CallFailure(
            code, f"invalid content-type: {quote(content_type)}; expecting {quote(CONTENT_TYPE)}"
        )
    failure = _own_error(response) if content_type in _JSON_TYPES else None
    if failure is not None:
        return failure
    code = _CODE_OF_STATUS.get(response.status, "unknown")
    return CallFailure(code, f"{response.status} {response.reason}", plain=True)


def message_of(response: Response) -> bytes:
    """The message of a successful answer. Raises ValueError if it cannot be unpacked."""
    if response.header("content-encoding") != "gzip" or not response.body:
        return response.body
    try:
        return gunzip(response.body, _MOST_MESSAGE_BYTES)
    except (GzipError, TooLarge) as reason:
        raise ValueError(str(reason)) from None


def _own_error(response: Response) -> CallFailure | None:
    """The error, if the answer has Connect's own form; otherwise None."""
    encoding = response.header("content-encoding")
    if encoding not in ("", "identity", "gzip"):
        return CallFailure("internal", f"unknown encoding {quote(encoding)}: accepted encodings are gzip")
    try:
        fields = json.loads(message_of(response))
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    code, message = fields.get("code"), fields.get("message", "")
    if code is None:
        code = _CODE_OF_STATUS.get(response.status, "unknown")
    if code not in CODES or not isinstance(message, str):
        return None
    return CallFailure(code, message)
