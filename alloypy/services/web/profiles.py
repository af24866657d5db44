"""Profiles that can be looked at: what pages ask of those who have some."""

from __future__ import annotations

import json
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


_LONGEST_HEADER = 4000


def described(labels: Mapping[str, str], format_name: str = "", name: str = "") -> bytes:
    """What the flame page reads in the header `X-Alloypy-Profile` of a profile; long texts are left out."""
    text = json.dumps({"format": format_name, "name": name, "labels": dict(labels)}).encode()
    return text if len(text) <= _LONGEST_HEADER else json.dumps({"format": format_name}).encode()
