"""/ingest requests: one profile in any format, with its labels in the query.

Source: docs/spec/PYROSCOPE.md, sections 5.3, 5.4.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote_plus, unquote_plus, unquote_to_bytes

from alloypy.components.pyroscope.sending.outgoing import INGEST_NAMES, Outgoing, Refusal
from alloypy.components.pyroscope.sending.requests import Wire
from alloypy.lang.secrecy import hide
from alloypy.net.backoff import retry_after
from alloypy.net.client.messages import Request, Response, SendError
from alloypy.net.http_status import status_text
from alloypy.profiles.ingest_name import format_name, parse_name
from alloypy.profiles.labels import NAME, SERVICE_NAME, check_labels
from alloypy.profiles.model import Buffer, DeliveryError, IngestProfile, Labels
from alloypy.profiles.remembered import LabelMemory
from alloypy.tracing import Trace

_SHOWN_BYTES: Final = 2048
_REASON_CHARACTERS: Final = 1000
_PASSING: Final = re.compile(r"\bcode = (?:Unavailable|DeadlineExceeded|Aborted)\b")
_PLAIN: Final = re.compile(r"[A-Za-z0-9\-_.~]+=[A-Za-z0-9\-_.~+]*(?:&[A-Za-z0-9\-_.~]+=[A-Za-z0-9\-_.~+]*)*")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class IngestName:
    """The `name` parameter, encoded; `replaced` counts characters that could not be written."""

    __slots__ = ("_labels", "encoded", "replaced")

    def __init__(self, encoded: str, replaced: int) -> None:
        self.encoded = encoded
        self.replaced = replaced
        self._labels: Labels | None = None

    @property
    def labels(self) -> Labels:
        """The labels as a server reads them; worked out on demand."""
        if self._labels is None:
            self._labels = parse_name(unquote_plus(self.encoded))
        return self._labels


class IngestLabels:
    """The label rules of /ingest: service_name becomes the application's name, external labels win."""

    def __init__(self, external: Mapping[str, str]) -> None:
        self._external = external
        self._memory = LabelMemory(self._rewrite)

    def apply(self, labels: Labels) -> IngestName:
        """The name to send. Raises InvalidLabels."""
        return self._memory.get(labels)

    def _rewrite(self, labels: Labels) -> IngestName:
        service = labels.get(SERVICE_NAME)
        named = {**labels, NAME: service} if service else labels
        check_labels(named)
        merged = {**named, **self._external}
        written = format_name({name: value for name, value in merged.items() if value})
        return IngestName(_encode(written.text), written.replaced)


class OutgoingIngest(Outgoing):
    """A profile and the `name` it is sent with."""

    names = INGEST_NAMES
    profiles = 1

    def __init__(self, profile: IngestProfile, name: IngestName, trace: Trace | None) -> None:
        self.trace = trace
        self.tries = profile.tries
        self.size = 0
        for part in profile.body:
            self.size += len(part)
        self._profile = profile
        self._name = name
        self._query = rewrite_query(profile.query, name.encoded)

    @property
    def labels(self) -> Labels:
        return self._name.labels

    @property
    def body(self) -> Sequence[Buffer]:
        return self._profile.body

    def request(self, wire: Wire, span: str) -> Request:
        """The client's request with our labels."""
        return wire.ingest(self._profile, self._query, self.trace, span)

    def classify(self, response: Response, wire: Wire) -> Refusal | None:
        """Only 200 is a success."""
        status = response.status
        if status == 200:
            if not response.broken:
                return None
            return Refusal(f"reading response body: {response.broken}", retry=True)
        body = "" if response.broken else response.body[:_SHOWN_BYTES].decode(errors="replace")
        value = response.header("retry-after")
        return Refusal(
            f"remote error: pyroscope write error: status={status} msg={hide(body) or _phrase(status)}",
            _may_pass_later(status, body, wire),
            status,
            wanted_pause=retry_after(value, time.time()) if value else 0.0,
            reason=body,
        )

    def unanswered(self, error: SendError, wire: Wire) -> Refusal:
        """Without an answer, another try may succeed."""
        return Refusal(f'do request: Post "{wire.shown}": {error}', retry=True)

    def error(self, message: str, refusal: Refusal) -> DeliveryError:
        """An error with the backend's reason."""
        return DeliveryError(
            message,
            status=refusal.status,
            code=refusal.code,
            reason=shown_reason(refusal.reason),
            retry=refusal.retry,
            pause=refusal.wanted_pause,
        )


def _phrase(status: int) -> str:
    """The text for a refusal that gives no reason."""
    return status_text(status) if status >= 400 else ""


def _may_pass_later(status: int, body: str, wire: Wire) -> bool:
    """Whether another try may succeed. A starting or stopping server says 422, as for what it never takes."""
    if status == 429:
        return wire.retry_on_429
    if status == 422:
        return "invalid_argument" not in body and _PASSING.search(body) is not None
    return status == 408 or status >= 500


def shown_reason(body: str) -> str:
    """What a backend said, as one line of bounded length for the client; "" for a page of HTML."""
    text = body
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        text = said["message"]
    if text.lstrip().startswith("<"):
        return ""
    text = " ".join("".join([each if each.isprintable() else " " for each in text]).split())
    return hide(text if len(text) <= _REASON_CHARACTERS else text[:_REASON_CHARACTERS] + "...")


def rewrite_query(query: str, name: str) -> str:
    """A query as Go re-encodes it: sorted by key, with `name` replaced, without what cannot be read.

    name: encoded. Pieces already written as Go writes them are kept as they are.
    """
    pieces = [piece for piece in query.split("&") if not piece.startswith("name=")]
    if _PLAIN.fullmatch("&".join(pieces)):
        pieces.append(f"name={name}")
        pieces.sort(key=_plain_key)
    else:
        rewritten = [written for piece in pieces if (written := _rewrite_piece(piece)) is not None]
        pieces = [f"name={name}", *rewritten]
        pieces.sort(key=_key)
    return "&".join(pieces)


def _plain_key(piece: str) -> str:
    return piece[: piece.index("=")]


def _key(piece: str) -> str:
    return _decode(_plain_key(piece))


def _rewrite_piece(piece: str) -> str | None:
    """A piece as Go writes it; None for one that cannot be read or is a `name`."""
    if not piece or ";" in piece or _BAD_ESCAPE.search(piece):
        return None
    key, _, value = map(_decode, piece.partition("="))
    return None if key == "name" else f"{_encode(key)}={_encode(value)}"


def _decode(text: str) -> str:
    raw = text.replace("+", " ").encode(errors="surrogateescape")
    return unquote_to_bytes(raw).decode(errors="surrogateescape")


def _encode(text: str) -> str:
    return quote_plus(text, errors="surrogateescape")
