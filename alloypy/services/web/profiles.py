"""Profiles that can be looked at: what pages ask of those who have some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Listed(NamedTuple):
    """A profile. name: for people. format: as in the query of /ingest, or "" if that is not known."""

    id: str
    name: str
    size: int
    labels: Mapping[str, str] = {}
    format: str = ""


class Store(Protocol):
    """Where profiles are."""

    title: str
    empty: str  # what to say when there are none

    def profiles(self) -> Sequence[Listed]:
        """All of them, in the order to show them in."""
        ...

    async def body(self, profile: Listed) -> bytes:
        """Its content. Raises ValueError with a sentence if it cannot be had."""
        ...
