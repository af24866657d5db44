"""Requests with profiles: received, decoded as far as needed, and forwarded.

Source: docs/spec/PYROSCOPE.md, sections 3.4, 3.5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from functools import partial
from typing import Final

from alloypy.components.pyroscope.receiving.answers import OK, ingest_failed, push_failed, unread
from alloypy.components.pyroscope.receiving.decoding import decode, decode_at_once, decode_later
from alloypy.components.pyroscope.receiving.failures import ingest_failure, push_failure
from alloypy.components.pyroscope.receiving.reception import Reception
from alloypy.net.rpc.unary import UnaryRequest, answer_unary
from alloypy.net.server.answer import Answer, plain_text
from alloypy.net.server.body import (
    BodyError,
    ClientLeft,
    Header,
    OverBudget,
    Receive,
    Scope,
    arrived_body,
    holder,
    read_body,
)
from alloypy.profiles.ingest_name import labels_in_query
from alloypy.profiles.labels import InvalidLabels, with_service_name
from alloypy.profiles.model import IngestProfile, Labels, Push, Series
from alloypy.profiles.push_wire import profile_count
from alloypy.tracing import Trace

_EMPTY_MESSAGES: Final = {"proto": b"", "json": b"{}"}
_LARGE_QUERY_BYTES: Final = 16 << 10
_QUERY_COPIES: Final = 8  # decoded, with up to four bytes per character, and encoded again


class ProfileRequest:
    """A POST to /ingest or to Push.

    received: bytes of its body.
    """

    __slots__ = (
        "_fanout",
        "_receive",
        "_reception",
        "_scope",
        "_series",
        "_settings",
        "_trace",
        "received",
    )

    def __init__(self, reception: Reception, scope: Scope, receive: Receive, trace: Trace | None) -> None:
        self._reception = reception
        self._settings = reception.settings
        self._fanout = reception.fanout
        self._scope = scope
        self._receive = receive
        self._trace = trace
        self._series: Sequence[Series] | None = ()  # in flight; None = an /ingest profile is
        self.received = 0

    @property
    def profiles(self) -> int:
        """How many of its profiles are in flight."""
        return 1 if self._series is None else profile_count(self._series)

    async def ingest(self) -> Answer:
        """Receive and forward an /ingest profile. Raises ClientLeft."""
        reception, scope = self._reception, self._scope
        query: bytes = scope["query_string"]
        try:
            if len(query) > _LARGE_QUERY_BYTES:
                holder(scope)(_QUERY_COPIES * len(query))
            labels = labels_in_query(query)
        except OverBudget as full:
            return unread(full)
        except InvalidLabels as invalid:
            reception.refused("Failed to parse labels from name parameter", invalid)
            return plain_text(400, f"name: {invalid}")
        body = arrived_body(scope, self._settings.max_body_size)
        if body is None:
            try:
                body = await read_body(scope, self._receive, self._settings.max_body_size)
            except ClientLeft:
                raise
            except BodyError as broken:
                reception.refused("Failed to read request body", broken)
                return unread(broken)
        self.received = len(body)
        kinds, encoding, passed = self._headers()
        self._series = None
        profile = IngestProfile(
            (body,),
            labels,
            scope["path"],
            query.decode("ascii", "surrogateescape"),
            kinds,
            encoding,
            passed,
            self._trace,
        )
        if reception.events.wanted:
            reception.publish((profile,), self._fanout.children)
        if not self._fanout.children:
            reception.lost(1)
        missed = await self._fanout.ingest(profile)
        if not missed:
            return OK
        failure = ingest_failure(missed)
        reception.refused("Failed to ingest profiles", failure.text)
        return ingest_failed(failure.lead)

    def push(self) -> Awaitable[Answer]:
        """Receive and forward a Push. Raises ClientLeft."""
        return answer_unary(self._scope, self._receive, self._push, self._settings.max_body_size)

    async def _push(self, request: UnaryRequest) -> bytes:
        reception = self._reception
        self.received = len(request.message)
        series = decode_at_once(request, with_service_name)
        if series is None:
            series = await decode_later(request, with_service_name, holder(self._scope))
        self._series = series
        if series:
            if reception.events.wanted:
                reception.publish(series, self._fanout.children)
            if not self._fanout.children:
                reception.lost(self.profiles)
            passed = self._headers()[2] if self._settings.forward_headers else ()
            push = Push(series, request.deadline, passed, self._trace)
            missed = await self._fanout.push(push)
            if missed:
                failure = await push_failure(missed, len(series), partial(self._sent_labels, request))
                reception.refused("Failed to forward profiles requests", failure.text)
                raise push_failed(failure)
        return _EMPTY_MESSAGES[request.codec]

    async def _sent_labels(self, request: UnaryRequest, positions: Sequence[int]) -> Sequence[Labels]:
        series = await decode(request, None, holder(self._scope))
        return [series[position].labels for position in positions]

    def _headers(self) -> tuple[Sequence[str], str, Sequence[tuple[str, str]]]:
        """Content types, content encoding, and the other headers to pass on."""
        kinds = []
        encoding = ""
        passed = []
        wanted = self._settings.forward_headers
        headers: Iterable[Header] = self._scope["headers"]
        for name, value in headers:
            if name == b"content-type":
                kinds.append(value.decode("utf-8", "surrogateescape"))
            elif name == b"content-encoding":
                encoding = encoding or value.decode("utf-8", "surrogateescape")
            elif wanted and name in wanted:
                passed.append((name.decode("ascii"), value.decode("utf-8", "surrogateescape")))
        return kinds, encoding, passed
