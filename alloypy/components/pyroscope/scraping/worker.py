"""A process that subtracts profiles: it reads questions from its input, and answers on its output.

It ends when its input does, which is also when the process that started it has died.
"""

from __future__ import annotations

import signal
import sys
from typing import BinaryIO

from alloypy import __version__
from alloypy.components.pyroscope.scraping.frames import (
    ANSWER,
    FORGET,
    KINDS,
    LENGTH,
    QUESTION,
    Outcome,
    message,
)
from alloypy.components.pyroscope.scraping.samples import SubtractionError
from alloypy.components.pyroscope.scraping.subtraction import Series


def main() -> None:
    """Serve until the input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group; the input ends soon
        signal.signal(number, signal.SIG_IGN)
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    _send(answers, message(__version__.encode()))
    all_series: dict[bytes, Series] = {}
    while True:
        question = _read(questions)
        if question is None:
            return
        number, asked, key = QUESTION.unpack_from(question)
        if asked == FORGET:
            all_series.pop(key, None)
        else:
            outcome, body = _answer(all_series, key, KINDS[asked], question[QUESTION.size :])
            _send(answers, message(ANSWER.pack(number, outcome), body))


def _answer(all_series: dict[bytes, Series], key: bytes, kind: str, profile: bytes) -> tuple[Outcome, bytes]:
    series = all_series.get(key)
    if series is None:
        series = all_series[key] = Series(kind)
    try:
        difference = series.difference(profile)
    except SubtractionError as reason:
        return Outcome.ERROR, str(reason).encode(errors="replace")
    except Exception as fault:  # one profile must not cost the others their process
        del all_series[key]
        return Outcome.ERROR, f"computing delta: internal error: {type(fault).__name__}".encode()
    return (Outcome.FIRST, b"") if difference is None else (Outcome.DIFFERENCE, difference)


def _read(source: BinaryIO) -> bytes | None:
    """The next message; None at the end."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    body = source.read(size)
    return body if len(body) == size else None


def _send(target: BinaryIO, data: bytes) -> None:
    try:
        target.write(data)
        target.flush()
    except BrokenPipeError:  # nobody is left to answer
        sys.exit(0)


if __name__ == "__main__":
    main()
