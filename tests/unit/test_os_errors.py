"""What the operating system says, in Go's words."""

from __future__ import annotations

import errno

import pytest

from alloypy.files import no_answer
from alloypy.os_errors import errno_words, open_fault, system_words


def test_words() -> None:
    assert system_words(FileNotFoundError(errno.ENOENT, "other words")) == "no such file or directory"
    assert system_words(OSError("Words")) == "words"
    assert system_words(ValueError("embedded null byte")) == "invalid argument"
    assert system_words(no_answer(2)) == "no answer within 2 seconds"
    assert open_fault("d", IsADirectoryError(errno.EISDIR, "")) == "read d: is a directory"
    assert open_fault("f", PermissionError(errno.EACCES, "")) == "open f: permission denied"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ECONNREFUSED, "connection refused"),
        (errno.EADDRINUSE, "address already in use"),
        (errno.EIO, "input/output error"),
    ],
)
def test_a_word_loses_its_capital(number: int, words: str) -> None:
    assert errno_words(number) == words


@pytest.mark.skipif(not hasattr(errno, "EDOTDOT"), reason="a number of Linux")
def test_an_abbreviation_keeps_its_capitals() -> None:
    assert errno_words(errno.EDOTDOT) == "RFS specific error"
