"""Requests for paths that a receiver does not serve: usually the client's server URL is wrong.

Source: docs/spec/PYROSCOPE.md, section 3.3.
"""

from __future__ import annotations

import logging
from urllib.parse import quote_from_bytes

from alloypy.lang.brief import brief
from alloypy.net.server.answer import Answer, empty, plain_text
from alloypy.net.server.body import ORIGIN, Scope
from alloypy.net.server.misdirected import Seldom, own_url

_LONGEST_PATH = 256
_DEBUG_INFO = "/debuginfo."

_NOT_FOUND = plain_text(404, "404 page not found")
_ASTRAY = plain_text(
    404,
    "404 page not found\n"
    "profiles are taken at /ingest and /push.v1.PusherService/Push: "
    "the server URL of a client is http://HOST:PORT, without a path",
)


class Astray:
    """Answers them, and logs, at most once a minute, that profiles are sent to a wrong path."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._seldom = Seldom()

    def answer(self, scope: Scope) -> Answer:
        """The answer to a request. Profiles are posted, so only POST requests get advice."""
        if not _may_bring_profiles(scope):
            return _NOT_FOUND
        self.note(scope)
        return _ASTRAY

    def note(self, scope: Scope) -> None:
        """Count a request for a wrong path, and log it if one is due."""
        times = self._seldom.due() if _may_bring_profiles(scope) else 0
        if times:
            fields = {
                "path": brief(scope["path"], _LONGEST_PATH),
                "expected_url": own_url(scope["scheme"], scope.get("server")),
                "times": times,
            }
            message = "a client sends to a path that is not served: its server URL must have no path"
            self._logger.warning(message, extra={"fields": fields})


def _may_bring_profiles(scope: Scope) -> bool:
    return scope["method"] == "POST" and not scope["path"].startswith(_DEBUG_INFO)


def clean_path(path: str) -> str:
    """The path without empty, `.` and `..` parts, to which Go's routers redirect."""
    if path.startswith("/") and "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    cleaned = "/" + "/".join(kept)
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


def moved(scope: Scope, path: str) -> Answer:
    """The answer that redirects a client to another path on this server."""
    location = quote_from_bytes(path.encode("utf-8", "surrogateescape"), safe="/$&+,:;=@")
    query = scope["query_string"]
    written = scope.get(ORIGIN, b"") + location.encode("ascii") + (b"?" + query if query else b"")
    return empty(301, (b"location", written))
