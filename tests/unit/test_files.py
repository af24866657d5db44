"""Reading files and pipes: what is waited for, and how faults are worded."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from alloypy import files
from alloypy.files import NoAnswer, NotRegular, read_once, read_regular
from alloypy.os_errors import open_fault, system_words


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    os.mkfifo(tmp_path / "pipe")
    return str(tmp_path / "pipe")


def test_regular_files_are_read_by_both(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"text")
    assert read_regular(str(path)) == read_once(str(path)) == read_once(str(path), 0.0) == b"text"


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_a_pipe_is_read_to_its_end_though_the_writer_comes_late(pipe: str, seconds: float | None) -> None:
    def write() -> None:
        with Path(pipe).open("wb") as file:
            for _ in range(3):
                file.write(b"part ")
                file.flush()

    timer = threading.Timer(0.05, write)
    timer.start()
    assert read_once(pipe, seconds) == b"part part part "
    timer.join()


def test_a_pipe_that_nobody_writes_to_is_given_up(pipe: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        read_once(pipe, 0.05)
    assert open_fault(pipe, caught.value) == f"open {pipe}: no answer within 0.05 seconds"


def test_an_anonymous_pipe_gives_its_content_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"text")
    os.close(writing)
    try:
        assert [read_once(f"/dev/fd/{reading}", 60.0) for _ in range(2)] == [b"text", b""]
    finally:
        os.close(reading)


def test_what_has_no_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_STREAM_BYTES", 3 << 20)
    with pytest.raises(NotRegular) as caught:
        read_once("/dev/zero", 60.0)
    assert system_words(caught.value) == "more than 3145728 bytes from a pipe or device"
    assert read_once("/dev/null", 60.0) == b""
