"""What an endpoint gets to send, and the outcome.

Source: docs/spec/PYROSCOPE.md, sections 5.2 to 5.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from alloypy.components.pyroscope.sending.requests import Wire
from alloypy.net.client.messages import Request, Response, SendError
from alloypy.profiles.model import Buffer, DeliveryError, Labels
from alloypy.tracing import Trace


class Names:
    """The names of a kind of item in logs, in errors and in latency metrics."""

    __slots__ = ("downstream", "endpoint", "log", "total", "verb")

    def __init__(self, log: str, verb: str, total: str, endpoint: str, downstream: str) -> None:
        self.log = log
        self.verb = verb
        self.total = total
        self.endpoint = endpoint
        self.downstream = downstream


PUSH_NAMES: Final = Names("Push", "push to", "push_total", "push_endpoint", "push_downstream")
INGEST_NAMES: Final = Names(
    "AppendIngest", "ingest to", "ingest_total", "ingest_endpoint", "ingest_downstream"
)

CANCELLED: Final = "cancelled"
"""Why a try or an item that was given up got no answer."""


class Refusal(NamedTuple):
    """Why a try failed.

    cause: for the error text; what a server repeats of credentials is hidden. retry: whether another try may
    succeed. wanted_pause: seconds asked for. status: the backend's, None if it gave none. code: Connect code
    for the client. reason: what the backend said, for the client; "" if the cause says it all.
    """

    cause: str
    retry: bool
    status: int | None = None
    code: str = "internal"
    wanted_pause: float = 0.0
    reason: str = ""


class Outgoing(Protocol):
    """An /ingest profile or one series of a Push, accepted and ready for every endpoint.

    names: for logs, errors and metrics. size: bytes of the raw profiles. profiles: how many there are.
    trace: of this delivery. tries: the most tries, if the caller keeps the profile and tries again itself.
    labels, body: as they are sent; may take a moment to compute.
    """

    __slots__ = ()

    names: Names
    size: int
    profiles: int
    trace: Trace | None
    tries: int | None

    @property
    def labels(self) -> Labels: ...

    @property
    def body(self) -> Sequence[Buffer]: ...

    def request(self, wire: Wire, span: str) -> Request:
        """The request for an endpoint. Raises SendError if there cannot be one.

        span: identity of the try's span, "" without a trace.
        """
        ...

    def classify(self, response: Response, wire: Wire) -> Refusal | None:
        """What an answer means; None if the profile was taken."""
        ...

    def unanswered(self, error: SendError, wire: Wire) -> Refusal:
        """What it means that there was no answer."""
        ...

    def error(self, message: str, refusal: Refusal) -> DeliveryError:
        """The error to report to the caller."""
        ...
