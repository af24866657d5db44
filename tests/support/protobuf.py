"""Messages of protobuf, written by hand: numbers, and fields that have a length."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """A number that is not negative."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def number(field: int, value: int) -> bytes:
    """A field with a number."""
    return varint(field << 3) + varint(value)


def piece(field: int, content: bytes) -> bytes:
    """A field with a length: bytes, a text or a message."""
    return varint(field << 3 | 2) + varint(len(content)) + content
