"""Small pprof profiles: one stack of one function, in a few lines of hand-written protobuf."""

from __future__ import annotations


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def pprof(function: str, value: int = 1, nanoseconds: int = 0, padding: int = 0) -> bytes:
    """A CPU profile in which `function` used `value` nanoseconds.

    nanoseconds: when it was taken, since the epoch; 0 for a profile without a time. padding: further
    bytes, of a string that nothing refers to.
    """
    strings = ["", "cpu", "nanoseconds", function]
    kind = _number(1, 1) + _number(2, 2)
    return b"".join(
        (
            _bytes(1, kind),
            _bytes(2, _bytes(1, _varint(1)) + _bytes(2, _varint(value))),
            _bytes(4, _number(1, 1) + _bytes(4, _number(1, 1) + _number(2, 1))),
            _bytes(5, _number(1, 1) + _number(2, 3) + _number(3, 3)),
            *(_bytes(6, text.encode()) for text in strings),
            _bytes(6, b"x" * padding) if padding else b"",
            _number(9, nanoseconds) if nanoseconds else b"",
            _number(10, 10**9),
            _bytes(11, kind),
            _number(12, 10**7),
        )
    )
