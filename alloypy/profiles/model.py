"""What components pass on: labels, profiles, and why a profile was not taken.

A profile goes through one chain of awaits: receive -> forward -> send. The call
returns when every destination has taken the profile, or raises `DeliveryError`.
Raw profile bytes are passed on as they arrived, never decoded, never copied.
Source: docs/spec/PYROSCOPE.md, section 2.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Final, Self, TypeAlias

from alloypy.lang.brief import brief
from alloypy.tracing import Trace

Labels: TypeAlias = Mapping[str, str]
"""A label set, without empty values; where order matters, it is sorted bytewise."""

Buffer: TypeAlias = bytes | bytearray | memoryview

MOST_TOLD: Final = 5
"""How many errors of one request are listed; the others are only counted."""

_ERROR_CHARACTERS = 5000
_TOLD_CHARACTERS = 8000


class RawSample:
    """One pprof of a Push series: `profile` is its raw bytes, `id` the client's text."""

    __slots__ = ("id", "profile")

    def __init__(self, profile: Buffer, identity: str = "") -> None:
        self.profile = profile
        self.id = identity


class Series:
    """One series of a Push request.

    position: its place in the client's request. Code that changes the labels must keep it (`with_labels`),
    so that a `DeliveryError` can say which series it is about.
    """

    __slots__ = ("labels", "position", "samples")

    def __init__(self, labels: Labels, samples: Sequence[RawSample], position: int = 0) -> None:
        self.labels = labels
        self.samples = samples
        self.position = position

    @property
    def body(self) -> Sequence[Buffer]:
        """The raw profiles."""
        return [sample.profile for sample in self.samples]

    def with_labels(self, labels: Labels) -> Series:
        """The same series with other labels."""
        return Series(labels, self.samples, self.position)


class Push:
    """One Push request: all its series, and the client's deadline.

    deadline: event loop time after which the client no longer waits, or None.
    headers: request headers that are passed through (opt-in), lower-case names.
    trace: the trace that sending it belongs to; None = sending begins a trace of its own.
    tries: the most tries for each destination, from a caller that keeps the profile and tries again itself;
        None = as many as the destination's own settings say.
    """

    __slots__ = ("deadline", "headers", "series", "trace", "tries")

    def __init__(
        self,
        series: Sequence[Series],
        deadline: float | None = None,
        headers: Sequence[tuple[str, str]] = (),
        trace: Trace | None = None,
        tries: int | None = None,
    ) -> None:
        self.series = series
        self.deadline = deadline
        self.headers = headers
        self.trace = trace
        self.tries = tries

    def with_series(self, series: Sequence[Series]) -> Push:
        """The same request with other series."""
        return Push(series, self.deadline, self.headers, self.trace, self.tries)


class IngestProfile:
    """One /ingest request.

    body: the request's body, in chunks.
    labels: after the receiver's service_name rule.
    path: the path of the request, query: its raw query string.
    content_type: all Content-Type values, in order; content_encoding: the header's value or "".
    headers: other request headers that are passed through (opt-in), lower-case names.
    trace, tries: as in `Push`.
    """

    __slots__ = (
        "body",
        "content_encoding",
        "content_type",
        "headers",
        "labels",
        "path",
        "query",
        "trace",
        "tries",
    )

    def __init__(
        self,
        body: Sequence[Buffer],
        labels: Labels,
        path: str,
        query: str,
        content_type: Sequence[str] = (),
        content_encoding: str = "",
        headers: Sequence[tuple[str, str]] = (),
        trace: Trace | None = None,
        tries: int | None = None,
    ) -> None:
        self.body = body
        self.labels = labels
        self.path = path
        self.query = query
        self.content_type = content_type
        self.content_encoding = content_encoding
        self.headers = headers
        self.trace = trace
        self.tries = tries

    def with_labels(self, labels: Labels) -> IngestProfile:
        """The same profile with other labels."""
        return IngestProfile(
            self.body,
            labels,
            self.path,
            self.query,
            self.content_type,
            self.content_encoding,
            self.headers,
            self.trace,
            self.tries,
        )


class DeliveryError(Exception):
    """A profile did not reach a destination. One per failing destination; see `DeliveryErrors`.

    status: the HTTP status the backend answered with, or None (no answer).
    code: Connect code for the client, such as `invalid_argument`, or "internal".
    series: `Series.position` of the one series it is about, or None if it is about the whole Push.
    reason: what the backend said about an /ingest profile, as a client may see it, or "".
    retry: whether the profile may be taken if it is sent again later.
    pause: seconds that the backend asked to wait before that, 0 if it did not ask.
    The text is Alloy's, with credentials in URLs redacted.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "internal",
        series: int | None = None,
        reason: str = "",
        retry: bool = False,
        pause: float = 0.0,
    ) -> None:
        self.reason = reason
        self.retry = retry
        self.pause = pause
        self.status = status
        self.code = code
        self.series = series
        super().__init__(message)

    def kept(self) -> Self:
        """The error itself, safe to keep as a value.

        It loses its traceback, whose frames refer back to it and would keep the profile until the cycle
        collector runs.
        """
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


class DeliveryErrors(DeliveryError):
    """Several series or several destinations failed; texts joined with a line feed.

    errors: if there are many, the first ones; more: how many there are besides these.
    """

    def __init__(self, errors: Sequence[DeliveryError], more: int = 0) -> None:
        super().__init__(told(errors, more))
        self.errors = tuple(errors)
        self.more = more
        _share(self, errors)


def leading(errors: Sequence[DeliveryError]) -> DeliveryError:
    """The error that decides the answer to the client: the first with a status, otherwise the first."""
    return next((error for error in errors if error.status is not None), errors[0])


def joined(errors: Sequence[DeliveryError], message: str) -> DeliveryError:
    """The errors of one series, or of one profile, at several destinations as a single error."""
    error = DeliveryError(message, series=errors[0].series)
    _share(error, errors)
    return error


def _share(one: DeliveryError, errors: Sequence[DeliveryError]) -> None:
    """Give one error the attributes of several: retry if that helps any of them, after the longest pause."""
    lead = leading(errors)
    one.status, one.code, one.reason = lead.status, lead.code, lead.reason
    one.retry = any(error.retry for error in errors)
    one.pause = max(error.pause for error in errors)


def invalid_labels(reason: Exception, series: int | None = None) -> DeliveryError:
    """The error for a client's labels that break the rules."""
    return DeliveryError(f"invalid labels in profile: {reason}", code="invalid_argument", series=series)


class Failures:
    """Collects the errors of a Push's series; a hostile client sends a hundred thousand of them.

    kept: the first errors in the order of the series, and the first with a status. count: of all errors.
    retry, pause: of all errors, as in `DeliveryError`.
    """

    __slots__ = ("count", "kept", "pause", "retry")

    def __init__(self) -> None:
        self.kept: list[DeliveryError] = []
        self.count = 0
        self.retry = False
        self.pause = 0.0

    def add(self, error: DeliveryError) -> None:
        """Count an error, and keep it if it is one of the first."""
        self.count += 1
        self.retry = self.retry or error.retry
        self.pause = max(self.pause, error.pause)
        insort(self.kept, error, key=_position)
        if len(self.kept) > MOST_TOLD + 1:
            leads = self.kept[-1].status is not None and all(one.status is None for one in self.kept[:-1])
            del self.kept[-2 if leads else -1]

    def error(self) -> DeliveryError:
        """All errors as one; there must be at least one."""
        if self.count == 1:
            return self.kept[0]
        error = DeliveryErrors(self.kept, self.count - len(self.kept))
        error.retry, error.pause = self.retry, self.pause
        return error


def told(errors: Sequence[object], more: int = 0) -> str:
    """The texts of errors as lines: the first five, up to a few kilobytes, and how many more there are."""
    lines: list[str] = []
    room = _TOLD_CHARACTERS
    for error in errors[:MOST_TOLD]:
        text = brief(str(error), _ERROR_CHARACTERS)
        room -= len(text)
        if lines and room < 0:
            break
        lines.append(text)
    more += len(errors) - len(lines)
    return "\n".join([*lines, f"and {more} more {'error' if more == 1 else 'errors'}"] if more else lines)


def _position(error: DeliveryError) -> int:
    return -1 if error.series is None else error.series
