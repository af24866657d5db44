"""HTTP statuses in Go's words, as clients of the real Alloy see them.

Source: docs/spec/PYROSCOPE.md, section 3.4.
"""

from __future__ import annotations

from typing import Final

TOO_MUCH_AROUND: Final = "chunked encoding contains too much non-data"
"""Go's words for a body in chunks that are hardly larger than what is around them."""

# Names that differ from those of some Python version; and 200, so that a process that sends nothing else
# need not build Python's table.
_GO_TEXTS: Final = {
    200: "OK",
    306: "",
    413: "Request Entity Too Large",
    414: "Request URI Too Long",
    416: "Requested Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
    425: "Too Early",
}


def body_too_large(limit: int) -> str:
    """The error text for a body larger than `limit` bytes."""
    return f"request body is larger than {limit} bytes"


def status_text(status: int) -> str:
    """The text for a status, such as `Not Found`; empty for an unknown one."""
    special = _GO_TEXTS.get(status)
    if special is not None:
        return special
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def status_line(status: int, version: str, reason: str = "") -> bytes:
    """`HTTP/1.1 200 OK` and the line end; `reason` is appended to the status's own text."""
    phrase = status_text(status) or f"status code {status}"
    return f"HTTP/{version} {status} {phrase}{': ' if reason else ''}{reason}\r\n".encode("ascii")
