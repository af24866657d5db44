"""What a queue says in the log about one destination: outages, and what it refuses, at most once a minute."""

from __future__ import annotations

import logging
from collections.abc import Callable

from alloypy.lang.brief import brief
from alloypy.lang.secrecy import hide
from alloypy.profiles.labels import print_labels
from alloypy.profiles.model import Labels

_EVERY_SECONDS = 60.0
_REASON_CHARACTERS = 500
_TAKEN_SECONDS = 3600.0
"""How old profiles may be for a Pyroscope server by default."""

_GIVEN_UP = {
    "age": "profiles are given up: they have waited longer than max_age",
    "refused": "profiles are refused for good",
    "crash": "a profile is set aside: the process ended three times while nothing else was being delivered",
    "too_old": "profiles are given up: they are older than the destination accepts; "
    "set reject_older_than of its tenant to max_age of the queue",
    "dated": "profiles are given up: they are older than the destination accepts, but have waited "
    "less than an hour: check the clock of their sender, and whether it sends old profiles",
    "damaged": "profiles are given up: they cannot be read",
}


class Reports:
    """Reports for one destination. clock: returns seconds of a clock that is never set.

    noted_at: when a profile was last not delivered.
    """

    def __init__(self, destination: str, logger: logging.Logger, clock: Callable[[], float]) -> None:
        self._destination = destination
        self._logger = logger
        self._clock = clock
        self._words = ""
        self.noted_at = 0.0
        self._fails = False
        self._cannot_keep = False
        self._is_held_up = False
        self._last: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    @property
    def problem(self) -> str:
        """Why a profile was last not delivered, on one line and without secrets; "" while all were."""
        return hide(brief(" ".join(self._words.split()), _REASON_CHARACTERS))

    def fails(self, reason: str) -> None:
        """The destination takes nothing."""
        self._note(reason)
        if not self._fails:
            self._fails = True
            self._say(
                logging.WARNING,
                "destination fails: profiles wait for it",
                err=self.problem,
            )

    def works(self) -> None:
        """The destination has taken something."""
        if self._fails:
            self._fails = False
            self._say(logging.INFO, "destination works again")

    def cannot_keep(self, words: str) -> None:
        """Profiles that are refused for good cannot be kept as dead letters. words: why."""
        if self._cannot_keep or self._is_too_soon("keep"):
            return
        self._cannot_keep = True
        said = (
            "dead letters cannot be kept: profiles that are refused for good wait, and others are delivered"
        )
        self._say(logging.WARNING, said, err=words)

    def held_up(self) -> None:
        """Nothing is delivered until some of them are kept."""
        if self._cannot_keep and not self._is_held_up:
            self._is_held_up = True
            said = "nothing more is delivered until dead letters can be kept: those that wait fill the memory"
            self._say(logging.WARNING, said)

    def keeps(self) -> None:
        """All of them have been kept, or dropped by others."""
        if self._cannot_keep:
            self._cannot_keep = self._is_held_up = False
            self._say(logging.INFO, "dead letters are kept again")

    def too_old(self, waited: float, labels: Labels, words: str) -> None:
        """A profile was dropped: the destination takes none of its age. waited: seconds in the queue."""
        self.given_up("dated" if waited < _TAKEN_SECONDS else "too_old", labels, words)

    def given_up(self, reason: str, labels: Labels, words: str = "") -> None:
        """A profile was dropped, or is a dead letter now. words: the destination's."""
        if words:
            self._note(words)
        self._unsaid[reason] = self._unsaid.get(reason, 0) + 1
        if self._is_too_soon(reason):
            return
        fields = {"n": self._unsaid.pop(reason), "labels": print_labels(labels)}
        if words:
            fields["err"] = self.problem
        self._say(logging.WARNING, _GIVEN_UP[reason], **fields)

    def _is_too_soon(self, what: str) -> bool:
        """Whether this has been said within a minute; if not, it is going to be now."""
        now = self._clock()
        if now - self._last.get(what, now - _EVERY_SECONDS) < _EVERY_SECONDS:
            return True
        self._last[what] = now
        return False

    def _note(self, words: str) -> None:
        self._words = words
        self.noted_at = self._clock()

    def _say(self, level: int, message: str, **fields: object) -> None:
        self._logger.log(level, message, extra={"fields": {"destination": self._destination, **fields}})
