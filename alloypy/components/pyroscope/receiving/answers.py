"""A receiver's answers to its clients.

Source: docs/spec/PYROSCOPE.md, sections 3.3 to 3.5.
"""

from __future__ import annotations

from alloypy.components.pyroscope.receiving.failures import Failure
from alloypy.lang.brief import brief
from alloypy.lang.secrecy import hide
from alloypy.net.http_status import status_text
from alloypy.net.rpc.codes import CODES, ConnectError
from alloypy.net.rpc.unary import RETRY_LATER
from alloypy.net.server.answer import CLOSE, Answer, empty, plain_text
from alloypy.net.server.body import BodyError, BodyMalformed, BodyTooLarge, OverBudget
from alloypy.profiles.model import DeliveryError

OK = empty(200)
NO_METHOD = empty(405)
BROKEN = empty(500, CLOSE)
"""For an /ingest request whose body ends early or does not arrive."""

SHUTTING_DOWN = plain_text(503, "the receiver is shutting down", RETRY_LATER, CLOSE)

CLIENT_LEFT = 499
"""The status under which a request is counted if its client did not wait for the answer."""

# Statuses of a backend that a Push client gets unchanged; for some of them Connect has no code.
_PASSED_ON = frozenset({400, 401, 403, 404, 409, 413, 422, 429})
_LONGEST_REASON = 1000


def unread(reason: BodyError) -> Answer:
    """For an /ingest request whose body could not be received."""
    if isinstance(reason, BodyTooLarge):
        return plain_text(413, str(reason), CLOSE)
    if isinstance(reason, OverBudget):
        return plain_text(503, str(reason), RETRY_LATER, CLOSE)
    if isinstance(reason, BodyMalformed):
        return plain_text(400, str(reason), CLOSE)
    return BROKEN


def ingest_failed(error: DeliveryError) -> Answer:
    """For an /ingest profile that was not delivered: the backend's status and reason, if it gave any."""
    status = error.status
    if status is not None and status >= 200:
        told = error.reason if status >= 400 else ""
        return plain_text(status, ": ".join(filter(None, (status_text(status), told))))
    if error.code == "invalid_argument":
        return plain_text(400, str(error))
    if _is_ours(error):
        return plain_text(503, str(error), RETRY_LATER)
    reason = hide(brief(" ".join(str(error).split()), _LONGEST_REASON))
    return plain_text(500, f"Failed to process request: {reason}")


def push_failed(failure: Failure) -> ConnectError:
    """For a Push that was not delivered."""
    code = failure.lead.code if failure.lead.code in CODES else "internal"
    status = failure.lead.status
    passed = status if code != "internal" and status in _PASSED_ON else None
    headers = (RETRY_LATER,) if _is_ours(failure.lead) else ()
    return ConnectError(code, failure.text, status=passed, headers=headers)


def _is_ours(error: DeliveryError) -> bool:
    """Whether alloypy itself cannot take a profile now, rather than a server."""
    return error.code == "unavailable" and error.status is None
