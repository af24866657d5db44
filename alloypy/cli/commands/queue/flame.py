"""`alloypy queue show --flame`: the profiles of a record as flame graphs in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from alloypy.cli import exit_codes
from alloypy.cli.commands.queue.showing import profiles_in, stored_in
from alloypy.cli.commands.view.serving import can_show, show
from alloypy.queueing.looking import Look
from alloypy.services.web.profiles import Listed

if TYPE_CHECKING:
    from alloypy.components.own.delivering.messages import Stored


class Kept:
    """A store of the profiles of a record: one, or those of a series."""

    title = "Record"
    empty = "The record has no profile."

    def __init__(self, seq: int, stored: Stored) -> None:
        from alloypy.components.own.delivering.messages import labels_of
        from alloypy.profiles.model import Push

        self._contents = profiles_in(stored)
        self._labels = labels_of(stored)
        self._name = f"record {seq}"
        self._format = "pprof"
        if not isinstance(stored, Push):
            self._format = parse_qs(stored.query).get("format", [""])[0]

    def profiles(self) -> Sequence[Listed]:
        return [
            Listed(str(at), self._named(at), len(content), self._labels, self._format)
            for at, content in enumerate(self._contents)
        ]

    def _named(self, at: int) -> str:
        return f"{self._name}, profile {at + 1}" if len(self._contents) > 1 else self._name

    async def body(self, profile: Listed) -> bytes:
        return self._contents[int(profile.id)]


def flame_shown(queue: Look, seq: int, address: str, *, wants_browser: bool) -> int:
    """Serve a page with the flame graphs of a record until interrupted. Raises QueueError and OSError."""
    if not can_show("queue"):
        return exit_codes.FAILURE
    return show(Kept(seq, stored_in(queue, seq)), "queue", address, wants_browser=wants_browser)
