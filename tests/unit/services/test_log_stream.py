"""The log lines: order of keys, quoting, time stamps, holding back, levels, formats."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.services.logging import LogSettings, LogStream, install

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$")


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> Iterator[LogStream]:
    root, own = logging.getLogger(), logging.getLogger("alloypy")
    before = root.handlers[:], root.level, own.level
    yield install(stream)
    root.handlers[:], root.level, own.level = before[0], before[1], before[2]


def say(message: str, level: int = logging.INFO, name: str = "alloypy.test", **fields: Any) -> None:
    logging.getLogger(name).log(level, message, extra={"fields": fields})


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_a_line_has_time_level_message_and_fields_in_order(log: LogStream, stream: io.StringIO) -> None:
    log.configure(LogSettings())
    say("now listening for http traffic", service="http", addr="127.0.0.1:12345")
    stamp, _, rest = stream.getvalue().partition(" ")
    assert STAMP.match(stamp.removeprefix("ts="))
    assert rest == 'level=info msg="now listening for http traffic" service=http addr=127.0.0.1:12345\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", '""'),
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        ("back\\slash", "back\\slash"),
        ("line\nline\ttab", r'"line\nline\ttab"'),
        ("\x00", r'"\x00"'),
        ("caf\u00e9", "caf\u00e9"),
        ("no\u00a0break", r'"no\u00a0break"'),
        ("bad\udcff", r'"bad\xff"'),
        (Duration(20_048_800), "20.0488ms"),
        (Duration(0), "0s"),
        (True, "true"),
        (7, "7"),
        (None, "<nil>"),
        (["a", "b"], '"[a b]"'),
    ],
)
def test_values_are_quoted_only_when_needed(
    log: LogStream, stream: io.StringIO, value: object, text: str
) -> None:
    log.configure(LogSettings())
    say("m", key=value)
    assert stream.getvalue().partition("msg=m ")[2] == f"key={text}\n"


def test_json_has_the_same_keys_and_durations_as_nanoseconds(log: LogStream, stream: io.StringIO) -> None:
    log.configure(LogSettings(format="json"))
    say("finished", controller_path="/", duration=Duration(1500), ok=True, text="a\nb")
    record = json.loads(stream.getvalue())
    assert list(record) == ["ts", "level", "msg", "controller_path", "duration", "ok", "text"]
    assert STAMP.match(record.pop("ts"))
    assert record == {
        "level": "info",
        "msg": "finished",
        "controller_path": "/",
        "duration": 1500,
        "ok": True,
        "text": "a\nb",
    }


def test_keys_lose_what_would_break_a_line(log: LogStream, stream: io.StringIO) -> None:
    log.configure(LogSettings())
    logging.getLogger("alloypy").info("m", extra={"fields": {' a b="c\n': 1}})
    assert stream.getvalue().endswith("a_b__c=1\n")


def test_records_wait_for_the_configuration_and_appear_in_its_form(
    log: LogStream, stream: io.StringIO
) -> None:
    say("early detail", logging.DEBUG)
    say("early")
    assert stream.getvalue() == ""
    log.configure(LogSettings("debug", "json"))
    assert [json.loads(line)["msg"] for line in lines(stream)] == ["early detail", "early"]


def test_a_failed_load_loses_nothing_that_the_level_shows(log: LogStream, stream: io.StringIO) -> None:
    say("early detail", logging.DEBUG)
    say("early")
    log.stop_holding()
    say("late")
    assert [line.split("msg=")[1] for line in lines(stream)] == ["early", "late"]


def test_level_and_format_change_live(log: LogStream, stream: io.StringIO) -> None:
    log.configure(LogSettings("error"))
    say("hidden", logging.WARNING)
    say("shown", logging.ERROR)
    log.configure(LogSettings("warn", "json"))
    say("warned", logging.WARNING)
    first, second = lines(stream)
    assert "level=error msg=shown" in first
    assert json.loads(second)["level"] == "warn"


def test_a_library_is_named_and_heard_only_from_warnings_on(log: LogStream, stream: io.StringIO) -> None:
    log.configure(LogSettings("debug"))
    logging.getLogger("httpx").info("request sent")
    logging.getLogger("httpx").warning("odd")
    assert [line.partition(" level=")[2] for line in lines(stream)] == ["warn msg=odd logger=httpx"]


def test_an_exception_stays_on_one_line(log: LogStream, stream: io.StringIO) -> None:
    log.configure(LogSettings())
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError:
        logging.getLogger("alloypy").exception("it broke")
    (line,) = lines(stream)
    assert r'err="RuntimeError: first\nsecond"' in line
    assert "traceback=" in line


def test_a_reader_that_has_gone_does_no_harm(log: LogStream, stream: io.StringIO) -> None:
    log.configure(LogSettings())
    stream.close()
    say("nobody reads this")
