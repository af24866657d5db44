"""What profiles and requests consist of, as plain values that tests can compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alloypy.net.client.messages import Request, Response
from alloypy.profiles.model import IngestProfile, Push, Series
from alloypy.tracing import Trace

_NAMES = {
    Push: "series deadline headers trace tries",
    IngestProfile: "body labels path query content_type content_encoding headers trace tries",
    Request: "method origin target headers chunks timeout host taker",
    Response: "status reason headers body broken",
    Trace: "identity sampled parent state recorder",
}


def series_contents(series: Sequence[Series]) -> list[Any]:
    """Of each series: its labels, its samples and its position."""
    return [
        (one.labels, [(sample.profile, sample.id) for sample in one.samples], one.position) for one in series
    ]


def contents(what: Push | IngestProfile | Request | Response | Trace) -> dict[str, Any]:
    """The attributes by name."""
    found = {name: getattr(what, name) for name in _NAMES[type(what)].split()}
    return {**found, "series": series_contents(what.series)} if isinstance(what, Push) else found
