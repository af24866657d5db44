"""What the process and those that subtract profiles for it say to each other, over pipes.

A message is its length (4 bytes) and that many bytes. A question begins with its number, what is asked, and
which series it is about; an answer with the question's number and what kind of answer it is.
"""

from __future__ import annotations

import struct
from enum import IntEnum

LENGTH = struct.Struct("<I")
QUESTION = struct.Struct("<IB16s")
ANSWER = struct.Struct("<IB")

KINDS = ("memory", "mutex", "block")
FORGET = len(KINDS)
"""What is asked: the position of a type of profile, or to forget a series, which is not answered."""


class Outcome(IntEnum):
    """The kinds of answers."""

    DIFFERENCE = 0
    FIRST = 1
    ERROR = 2


def message(head: bytes, body: bytes = b"") -> bytes:
    """A message as it is sent."""
    return b"".join((LENGTH.pack(len(head) + len(body)), head, body))
