"""Which responses are profiles."""

from __future__ import annotations

import pytest

from alloypy.components.pyroscope.scraping.checks import MOST_BYTES, NoProfile, check
from alloypy.net.client.messages import Response

OCTETS = "application/octet-stream"


def fault(body: bytes, kind: str = OCTETS, status: int = 200, broken: str = "") -> str:
    """Why a response is refused, or ""."""
    headers = [("content-type", kind)] if kind else []
    try:
        check(Response(status, "Reason", headers, body, broken), "goroutine")
    except NoProfile as reason:
        return str(reason)
    return ""


@pytest.mark.parametrize("body", [b"\x0a\x04\x08\x01\x10\x02", b"\x52\x00\x00", b"\x1f\x8b\x08" + bytes(20)])
def test_profiles(body: bytes) -> None:
    assert fault(body) == ""
    assert fault(body, OCTETS + "; x") == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty goroutine profile"),
        (b"\n <!DOCTYPE html>", "text response instead of pprof"),
        (b"<html>....", "text response instead of pprof"),
        (b'{"error": "not a profile"}', "text response instead of pprof"),
        (b"ab", "data too short for pprof format"),
        (b"\x0fxyz", "illegal wireType 7 (expected 0-5), first bytes: 0f78797a"),
        (b'{"a":1}', "a profile does not begin with 7b2261223a317d"),
        (b"<html>", "a profile does not begin with"),
        (b"\x1f\x8b\x08abc", "incomplete gzip data"),
    ],
)
def test_what_is_no_profile(body: bytes, reason: str) -> None:
    assert reason in fault(body)


def test_types_and_statuses() -> None:
    assert fault(b"abc", "") == "invalid profile data: missing Content-Type header"
    assert "unexpected Content-Type text/html, expected application/octet-stream" in fault(
        b"abc", "text/html"
    )
    assert fault(b" why \n", status=500) == "server returned HTTP status (500) why"
    assert fault(b"", status=503) == "server returned HTTP status (503) 503 Reason"
    assert fault(b"x", broken="unexpected EOF") == "failed to read body: unexpected EOF"
    assert fault(bytes(MOST_BYTES + 1)) == "the profile is larger than 32 MiB"


def test_a_long_error_page_is_shortened() -> None:
    assert len(fault(b"x" * 1_000_000, status=500)) < 5_000
