"""Base64 as Go's decoder accepts it.

Source: docs/spec/SYNTAX.md, section 5, `Standard library`.
"""

from __future__ import annotations

import base64

STANDARD = b"+/"
URL = b"-_"
"""The last two characters of the alphabets of RFC 4648: the standard one, and the one for URLs."""


class CorruptBase64(ValueError):
    """A text is not base64; the message has Go's offset."""


def encode_base64(data: bytes, last_two: bytes) -> str:
    """The base64 text of `data`, with padding, on one line."""
    return base64.b64encode(data, last_two).decode()


def decode_base64(data: bytes, last_two: bytes) -> bytes:
    """Decodes base64; padding is required, line ends are skipped. Raises CorruptBase64."""
    wrong = _corrupt_at(data, last_two)
    if wrong is not None:
        raise CorruptBase64(f"illegal base64 data at input byte {wrong}")
    return base64.b64decode(data.translate(None, b"\r\n"), last_two)


def _corrupt_at(data: bytes, last_two: bytes) -> int | None:
    """Go's offset of the first byte that is not base64; None if all of `data` is."""
    alphabet = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last_two)
    places = [place for place, byte in enumerate(data) if byte not in b"\r\n"]
    for count, place in enumerate(places):
        byte = data[place]
        if byte in alphabet:
            continue
        rest = places[count + 1 :]
        if byte != ord("=") or count % 4 < 2:
            return place
        if count % 4 == 2:
            if not rest:
                return len(data)
            if data[rest[0]] != ord("="):
                return rest[0] - 1
            rest = rest[1:]
        return rest[0] if rest else None
    missing = len(places) % 4
    return len(data) - missing if missing else None
