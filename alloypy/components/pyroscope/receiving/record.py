"""What is counted, logged and traced for one request.

Source: docs/spec/PYROSCOPE.md, sections 3.6, 3.8.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import Final

from alloypy.components.pyroscope.receiving.reception import Reception
from alloypy.lang.brief import brief
from alloypy.lang.go.duration import format_duration
from alloypy.lang.go.text import quote
from alloypy.net.server.body import Scope
from alloypy.tracing import SpanKind, Trace

_QUIET: Final = frozenset({502, 503})  # statuses of failures that are logged elsewhere, if at all
_LONGEST_PATH: Final = 256


class Record:
    """What is known about one request on a route. received: bytes of its body. body: of the answer.

    sent: bytes of an answer whose `body` is not kept. quiet: whether the failure is the client's own and has
    been logged. trace: for everything the request causes, None if it is not recorded.
    """

    __slots__ = (
        "_began",
        "_counted",
        "_outer",
        "_reception",
        "_route",
        "_scope",
        "body",
        "quiet",
        "received",
        "sent",
        "status",
        "trace",
    )

    def __init__(self, reception: Reception, scope: Scope, route: str) -> None:
        self._reception = reception
        self._scope = scope
        self._route = route
        self._counted = reception.metrics.begin(scope["method"], route)
        self._began = monotonic()
        self.status = 500
        self.quiet = False
        self.received = 0
        self.sent = 0
        self.body = b""
        self.trace: Trace | None = None
        if reception.tracer.receiving:
            self._begin_trace()

    def close(self) -> None:
        """Count the request and write its log line, without the query: a warning if it failed here."""
        seconds = monotonic() - self._began
        reception = self._reception
        reception.metrics.finish(
            self._counted, self.status, seconds, self.received, self.sent or len(self.body)
        )
        if self.trace is not None and self.trace.recorder is not None:
            self._end_trace(self.trace.parent, seconds)
        failed = self.status >= 500 and self.status not in _QUIET and not self.quiet
        level = logging.WARNING if failed else logging.DEBUG
        if not reception.logger.isEnabledFor(level):
            return
        took = format_duration(int(seconds * 1e9))
        line = f"{self._scope['method']} {brief(self._scope['path'], _LONGEST_PATH)} ({self.status}) {took}"
        if failed:
            line += f" Response: {quote(self.body.decode('utf-8', 'surrogateescape'))}"
        reception.logger.log(level, "%s", line)

    def _begin_trace(self) -> None:
        """Make the request a span of the client's trace, or of a new one."""
        tracer = self._reception.tracer
        self._outer = tracer.receive(self._scope["headers"])
        self.trace = self._outer.below(tracer.span())

    def _end_trace(self, span: str, seconds: float) -> None:
        method = self._scope["method"]
        attributes = {
            "http.request.method": method,
            "http.response.status_code": self.status,
            "url.path": self._scope["path"],
        }
        error = "" if self.status >= 500 else None
        name = f"HTTP {method} - {self._route}"
        self._outer.record(name, SpanKind.SERVER, span, seconds, attributes, error)
