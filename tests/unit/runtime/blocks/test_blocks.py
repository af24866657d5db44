"""Blocks that configure the process: checked and applied with the load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alloypy.lang.values import Secret
from alloypy.runtime.blocks.http import AuthArguments, BasicAuthArguments, HTTPArguments
from alloypy.runtime.blocks.process import LiveDebuggingArguments, LoggingArguments, TracingArguments
from alloypy.runtime.contract.options import ServiceError
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import EVENTS, world

pytestmark = pytest.mark.anyio


class Remembering:
    """A service that remembers what it was given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[Any] = []
        self.refuse_prepare = self.refuse_update = False

    async def prepare(self, arguments: Any) -> None:
        EVENTS.append(f"prepare {self.name}")
        if self.refuse_prepare:
            raise ServiceError("not prepared")

    async def update(self, arguments: Any) -> None:
        EVENTS.append(f"update {self.name}")
        if self.refuse_update:
            raise ServiceError("not updated")
        self.taken.append(arguments)


def services() -> dict[str, Remembering]:
    return {name: Remembering(name) for name in ("logging", "tracing", "http", "livedebugging")}


async def test_defaults_are_given_on_the_first_load_and_only_then(tmp_path: Path) -> None:
    known = services()
    async with world(tmp_path, services=known) as w:
        await w.load("")
        assert known["logging"].taken == [LoggingArguments()]
        assert known["tracing"].taken == [TracingArguments()]
        assert known["http"].taken == [HTTPArguments()]
        assert known["livedebugging"].taken == [LiveDebuggingArguments()]
        w.taken_events()
        await w.load('test.node "a" { }')
        assert not [each for each in w.taken_events() if "test.node" not in each]


async def test_blocks_are_decoded_and_followed(tmp_path: Path) -> None:
    known = services()
    text = (
        'logging {\n  level = "debug"\n  format = "json"\n}\n'
        'http {\n  auth {\n    basic {\n      username = "u"\n      password = "p"\n    }\n  }\n}\n'
    )
    async with world(tmp_path, services=known) as w:
        await w.load(text)
        assert known["logging"].taken == [LoggingArguments(level="debug", format="json")]
        basic = BasicAuthArguments(username="u", password=Secret("p"))
        assert known["http"].taken == [HTTPArguments(auth=AuthArguments(basic=basic))]
        await w.load("")
        assert known["logging"].taken[1:] == [LoggingArguments()]
        assert known["http"].taken[1:] == [HTTPArguments()]


async def test_logging_comes_first_and_takes_effect_immediately(tmp_path: Path) -> None:
    known = services()
    async with world(tmp_path, services=known) as w:
        with pytest.raises(DiagnosticsError):
            await w.load('test.node "a" { nope = 1 }\nlogging { level = "warn" }')
        assert w.taken_events()[:2] == ["prepare logging", "update logging"]
        assert known["logging"].taken == [LoggingArguments(level="warn")]
        assert known["http"].taken == []


async def test_a_refused_reload_changes_no_service(tmp_path: Path) -> None:
    known = services()
    async with world(tmp_path, services=known) as w:
        await w.load("")
        with pytest.raises(DiagnosticsError):
            await w.load(
                'logging { level = "warn" }\nlivedebugging { enabled = true }\ntest.node "a" { nope = 1 }'
            )
        assert [len(each.taken) for each in known.values()] == [1, 1, 1, 1]


async def test_a_service_that_refuses_refuses_the_load(tmp_path: Path) -> None:
    known = services()
    async with world(tmp_path, services=known) as w:
        await w.load("")
        known["livedebugging"].refuse_prepare = True
        with pytest.raises(DiagnosticsError) as caught:
            await w.load("livedebugging { enabled = true }")
        assert str(caught.value) == (
            "config.alloy:1:1: Failed to evaluate service: updating service: not prepared"
        )
        known["livedebugging"].refuse_prepare = False
        known["livedebugging"].refuse_update = True
        with pytest.raises(DiagnosticsError, match="not updated"):
            await w.load("livedebugging { enabled = true }\nhttp { }")


async def test_a_failure_later_puts_the_old_arguments_back(tmp_path: Path) -> None:
    known = services()
    async with world(tmp_path, services=known) as w:
        await w.load('test.node "a" { }')
        with pytest.raises(DiagnosticsError):
            await w.load('livedebugging { enabled = true }\ntest.node "a" { fail = ["update"] }')
        assert [each.enabled for each in known["livedebugging"].taken] == [False, True, False]


async def test_arguments_follow_exports(tmp_path: Path) -> None:
    known = services()
    async with world(tmp_path, services=known) as w:
        await w.load('test.node "a" { value = "warn" }\nlogging { level = test.node.a.value }')
        await w.settled()
        w.node("test.node.a").export("error")
        await w.settled()
        w.node("test.node.a").export("loud")
        await w.settled()
        assert [each.level for each in known["logging"].taken] == ["warn", "error"]


async def test_of_two_labelled_blocks_the_last_one_evaluated_counts(tmp_path: Path) -> None:
    known = services()
    async with world(tmp_path, services=known) as w:
        await w.load('logging "a" { level = "warn" }\nlogging "b" { level = "error" }')
        assert known["logging"].taken[-1].level == "warn"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cluster { }", 'Failed to evaluate service: service "cluster" does not support being configured'),
        ("otel { }", 'Failed to evaluate service: service "otel" does not support being configured'),
        (
            'http {\n tls {\n cert_file = "x"\n }\n}',
            "Failed to evaluate service: decoding configuration: must specify either key_pem or key_file",
        ),
        (
            'remotecfg { url = "http://host" }',
            (
                "Failed to evaluate service: alloypy does not fetch its configuration from a server: remove "
                "the remotecfg block and pass the configuration as a file or a directory"
            ),
        ),
        (
            'remotecfg { poll_frequency = "1s" }',
            (
                "Failed to evaluate service: decoding configuration: "
                'poll_frequency must be at least "10s", got "1s"'
            ),
        ),
        (
            'logging { destination = "windows_event_log" }',
            (
                "Failed to evaluate node for config block: could not update logger: failed to open Windows "
                "Event Log: windows event log not supported on this platform"
            ),
        ),
        (
            'logging { destination = "stdout" }',
            (
                "Failed to evaluate node for config block: decoding configuration: config.alloy:1:25: "
                '"stdout" unrecognized log destination "stdout"'
            ),
        ),
        (
            'test.node "a" { }\nlogging { write_to = [test.node.a.receiver] }',
            (
                "Failed to evaluate node for config block: decoding configuration: config.alloy:2:23: "
                'test.node.a.receiver expected capsule("loki.LogsReceiver"), '
                'got capsule("pyroscope.Appendable")'
            ),
        ),
    ],
)
async def test_faults(tmp_path: Path, text: str, expected: str) -> None:
    async with world(tmp_path) as w:
        with pytest.raises(DiagnosticsError) as caught:
            await w.load(text)
        line = 2 if text.startswith("test") else 1
        assert [str(each) for each in caught.value.diagnostics] == [f"config.alloy:{line}:1: {expected}"]


@pytest.mark.parametrize(
    "text", ["remotecfg { }", "labelstore { }", "livedebugging { }", "tracing { }", "http { }"]
)
async def test_blocks_that_change_nothing(tmp_path: Path, text: str) -> None:
    async with world(tmp_path) as w:
        await w.load(text)
        assert w.controller.ready


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ('cert_pem = "c"\n key_pem = "k"', None),
        ('cert_pem = "c"', "must specify either key_pem or key_file"),
        ('key_pem = "k"', "must specify either cert_pem or cert_file"),
        ('cert_pem = "c"\n cert_file = "c"\n key_pem = "k"', "cannot specify both cert_pem and cert_file"),
        ('cert_pem = "c"\n key_file = "c"\n key_pem = "k"', "cannot specify both key_pem and key_file"),
        (
            'cert_pem = "c"\n key_pem = "k"\n client_ca_pem = "x"\n client_ca_file = "y"',
            "cannot specify both client_ca_pem and client_ca_file",
        ),
        (
            'cert_pem = "c"\n key_pem = "k"\n client_ca_pem = "x"',
            "cannot specify client_ca_pem or client_ca_file when client_auth_type is NoClientCert",
        ),
        ('cert_pem = "c"\n key_pem = "k"\n min_version = "TLS9"', 'unknown TLS version "TLS9"'),
        ('cert_pem = "c"\n key_pem = "k"\n client_auth_type = "No"', 'unknown client auth type "No"'),
        ('cert_pem = "c"\n key_pem = "k"\n cipher_suites = ["No"]', 'unknown cipher "No"'),
        ('cert_pem = "c"\n key_pem = "k"\n curve_preferences = ["No"]', 'unknown curve "No"'),
        (
            'cert_pem = "c"\n windows_certificate_filter {\n server { }\n client { }\n }',
            "cannot specify any key, certificate or CA when using windows certificate filter",
        ),
    ],
)
async def test_rules_of_tls(tmp_path: Path, tls: str, expected: str | None) -> None:
    async with world(tmp_path) as w:
        text = f"http {{\n tls {{\n {tls}\n }}\n}}"
        if expected is None:
            await w.load(text)
        else:
            with pytest.raises(DiagnosticsError) as caught:
                await w.load(text)
            assert str(caught.value).endswith(expected)
