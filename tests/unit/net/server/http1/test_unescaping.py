"""Escapes of URLs, resolved as urllib resolves them, in a hundredth of the time."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.net.server.http1.head import unescaped

NOT_WHOLE = re.compile(rb"%(?![0-9a-fA-F]{2})")
LETTERS = st.sampled_from([bytes([byte]) for byte in b"=_%a0F+ \r\n\t~.\x00\x80?/"])


def test_every_byte_has_two_escapes() -> None:
    for byte in range(256):
        for escape in (f"%{byte:02x}", f"%{byte:02X}"):
            assert unescaped(b"a" + escape.encode() + b"b") == b"a" + bytes([byte]) + b"b"


@settings(max_examples=300)
@given(st.lists(LETTERS, max_size=12).map(b"".join))
def test_as_urllib(part: bytes) -> None:
    while NOT_WHOLE.search(part):
        part = NOT_WHOLE.sub(b"", part)
    assert unescaped(part) == unquote_to_bytes(part)
