"""Requests for paths that a receiver does not serve: most often the client's server URL is wrong."""

from __future__ import annotations

import logging

from alloypy.lang.brief import brief
from alloypy.net.server.answer import Answer, plain_text
from alloypy.net.server.body import Scope
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
    """Answers them, and tells in the log, once a minute, that profiles come to a wrong path."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._seldom = Seldom()

    def answer(self, scope: Scope) -> Answer:
        """The answer to a request. Profiles are posted; who only looks around gets no advice."""
        if not _may_bring_profiles(scope):
            return _NOT_FOUND
        self.note(scope)
        return _ASTRAY

    def note(self, scope: Scope) -> None:
        """A request has gone astray."""
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
