"""What a failed try says: is it the destination, or the profile?

A queue must neither be emptied by expired credentials or a wrong URL, nor wait for ever for one profile that
is never going to be taken.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from alloypy.profiles.model import DeliveryError

TOO_OLD = re.compile("outside of ingestion window")
"""What a Pyroscope server says of a profile that is older than its `reject_older_than`."""

_RECORD_STATUSES = frozenset({400, 409, 413, 415, 422})
_RECORD_CODES = frozenset({"invalid_argument", "failed_precondition", "out_of_range", "already_exists"})


class Verdict(Enum):
    """Whose fault it is that a profile was not taken."""

    DESTINATION = auto()  # wait, and try again
    BUSY = auto()  # the same, and send less at a time
    RECORD = auto()  # it is never going to be taken
    TOO_OLD = auto()  # nor is this one, because of the destination's settings


def verdict(error: DeliveryError) -> Verdict:
    """Judge a failed try. What is not certainly the profile's fault is the destination's."""
    if error.status == 429:
        return Verdict.BUSY
    if error.retry:
        return Verdict.DESTINATION
    by_status = error.status in _RECORD_STATUSES
    if not by_status and (error.status is not None or error.code not in _RECORD_CODES):
        return Verdict.DESTINATION
    return Verdict.TOO_OLD if TOO_OLD.search(str(error)) else Verdict.RECORD
