"""Push requests: the Connect call that carries series of profiles.

Source: docs/spec/PYROSCOPE.md, sections 5.2, 5.4.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from alloypy.components.pyroscope.sending.outgoing import PUSH_NAMES, Outgoing, Refusal
from alloypy.components.pyroscope.sending.requests import Wire
from alloypy.lang.secrecy import hide
from alloypy.net.backoff import retry_after
from alloypy.net.client.messages import Headers, Request, Response, SendError, SendTimeout
from alloypy.net.rpc.call import CallFailure, failure_of
from alloypy.profiles.labels import NAME, check_labels
from alloypy.profiles.model import Buffer, DeliveryError, Labels, RawSample
from alloypy.profiles.push_wire import encode_series
from alloypy.profiles.remembered import LabelMemory
from alloypy.tracing import Trace

_RESERVED_BUT_SENT: Final = (NAME, "__delta__")
_RETRIED_CODES: Final = frozenset(
    ("unknown", "internal", "unavailable", "deadline_exceeded", "data_loss", "aborted")
)
_NEVER_RETRIED: Final = frozenset((400, 409, 413, 415, 422))
_LOGIN: Final = (401, 403)
"""Statuses that are always reported, whatever the answer says: credentials are the most common mistake."""

_CODE_FOR_CLIENT: Final = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "already_exists",
    413: "invalid_argument",
    415: "invalid_argument",
    422: "invalid_argument",
    429: "resource_exhausted",
}


class PushLabels:
    """The label rules of Push: reserved labels are dropped, external labels win.

    apply: returns the labels to send. Raises InvalidLabels.
    """

    def __init__(self, external: Mapping[str, str]) -> None:
        self._external = {_utf8(name): _utf8(value) for name, value in external.items()}
        self.apply: Callable[[Labels], Labels] = LabelMemory(self._rewrite).get

    def _rewrite(self, labels: Labels) -> Labels:
        check_labels(labels)
        kept = {
            name: value
            for name, value in labels.items()
            if not name.startswith("__") or name in _RESERVED_BUT_SENT
        }
        kept |= self._external
        return {name: kept[name] for name in sorted(kept) if kept[name]}


class OutgoingPush(Outgoing):
    """One series, with its labels as they are sent.

    A request has only one series, because a server that refuses a request may have stored part of it: of
    several sent again, some would be stored twice, and those beyond the server's limits would never pass.
    """

    names = PUSH_NAMES

    __slots__ = (
        "_chunks",
        "_labels",
        "_passed",
        "_samples",
        "position",
        "profiles",
        "size",
        "trace",
        "tries",
    )

    def __init__(
        self,
        labels: Labels,
        samples: Sequence[RawSample],
        position: int,
        trace: Trace | None,
        passed: Headers = (),
        tries: int | None = None,
    ) -> None:
        self.trace = trace
        self.tries = tries
        self.size = 0
        for sample in samples:
            self.size += len(sample.profile)
        self.profiles = len(samples)
        self._labels = labels
        self._samples = samples
        self.position = position
        self._passed = passed
        self._chunks = encode_series(labels, samples)

    @property
    def labels(self) -> Labels:
        return self._labels

    @property
    def body(self) -> Sequence[Buffer]:
        return [sample.profile for sample in self._samples]

    def request(self, wire: Wire, span: str) -> Request:
        """The Connect call."""
        return wire.push(self._chunks, self.trace, span, self._passed)

    def classify(self, response: Response, wire: Wire) -> Refusal | None:
        """What an answer means in Connect, and whether another try may help."""
        failure = failure_of(response)
        return None if failure is None else _refusal(failure, response, wire)

    def unanswered(self, error: SendError, wire: Wire) -> Refusal:
        """Without an answer, another try may succeed."""
        code = "deadline_exceeded" if isinstance(error, SendTimeout) else "unavailable"
        return Refusal(f"{code}: {error}", retry=True)

    def error(self, message: str, refusal: Refusal) -> DeliveryError:
        """An error about the series."""
        return DeliveryError(
            message,
            status=refusal.status,
            code=refusal.code,
            series=self.position,
            retry=refusal.retry,
            pause=refusal.wanted_pause,
        )


def _utf8(text: str) -> str:
    """The text with U+FFFD for bytes that are not UTF-8, which protobuf refuses."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _refusal(failure: CallFailure, response: Response, wire: Wire) -> Refusal:
    code, status = failure.code, response.status
    retry = code in _RETRIED_CODES or (code == "resource_exhausted" and wire.retry_on_429)
    if failure.plain and status in _NEVER_RETRIED:
        retry = False
    if not retry and failure.plain:
        code = _CODE_FOR_CLIENT.get(status, code)
    cause = hide(str(failure))
    if status in _LOGIN and str(status) not in cause:
        cause += f" (status {status})"
    return Refusal(
        cause,
        retry,
        status,
        _code_for_client(code, status, retry=retry),
        _wanted_pause(response),
    )


def _code_for_client(code: str, status: int, *, retry: bool) -> str:
    """The code of a final refusal is passed on; after failed tries the client may try again later."""
    if not retry:
        return code
    return "resource_exhausted" if status == 429 else "internal"


def _wanted_pause(response: Response) -> float:
    value = response.header("retry-after")
    return retry_after(value, time.time()) if value else 0.0
