"""Small pprof profiles: one stack of one function, in a few lines of hand-written protobuf."""

from __future__ import annotations

from tests.support.protobuf import number, piece, varint


def pprof(function: str, value: int = 1, nanoseconds: int = 0, padding: int = 0) -> bytes:
    """A CPU profile in which `function` used `value` nanoseconds.

    nanoseconds: when it was taken, since the epoch; 0 for a profile without a time. padding: further
    bytes, of a string that nothing refers to.
    """
    strings = ["", "cpu", "nanoseconds", function]
    kind = number(1, 1) + number(2, 2)
    return b"".join(
        (
            piece(1, kind),
            piece(2, piece(1, varint(1)) + piece(2, varint(value))),
            piece(4, number(1, 1) + piece(4, number(1, 1) + number(2, 1))),
            piece(5, number(1, 1) + number(2, 3) + number(3, 3)),
            *(piece(6, text.encode()) for text in strings),
            piece(6, b"x" * padding) if padding else b"",
            number(9, nanoseconds) if nanoseconds else b"",
            number(10, 10**9),
            piece(11, kind),
            number(12, 10**7),
        )
    )
