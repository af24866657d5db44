"""What a client of /ingest learns about a backend's refusal: one line, bounded, without credentials."""

from __future__ import annotations

import pytest

from alloypy.components.pyroscope.sending.ingest import shown_reason


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("", ""),
        ("too old", "too old"),
        ("one\r\nX-Evil: yes\t\x00\x1b[31mtwo ", "one X-Evil: yes [31mtwo"),
        ('{"code":"unknown","message":"why\\nnot"}', "why not"),
        ('{"code":"unknown","message":"\\ud800"}', ""),
        ('{"code":"unknown"}', '{"code":"unknown"}'),
        ('{"message":7}', '{"message":7}'),
        ("[" * 2000, "[" * 1000 + "..."),
        ("x" * 1000, "x" * 1000),
        (" <html><body>502</body></html>", ""),
        ("dial http://me:hush@host/a", "dial http://me:xxxxx@host/a"),
    ],
)
def test_the_reason_shown(body: str, shown: str) -> None:
    assert shown_reason(body) == shown
