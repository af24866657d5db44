"""`--alloy-version`: checks and references for a version of Alloy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alloypy.cli.main import main

RECEIVER = 'pyroscope.receive_http "in" {\n  http { }\n  forward_to = []\n}\n'
Capture = pytest.CaptureFixture[str]


class Answer(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str


def ask(capsys: Capture, *arguments: str) -> Answer:
    code = main(arguments)
    return Answer(code, *capsys.readouterr())


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "config.alloy"
    path.write_text(RECEIVER)
    return str(path)


@pytest.mark.parametrize(
    ("version", "code"),
    [("1.4", 1), ("1.4.3", 1), ("1.9", 1), ("1.10", 0), ("v1.10.0", 0), ("newest", 0), ("main", 0)],
)
def test_validate_for_a_version(file: str, version: str, code: int, capsys: Capture) -> None:
    assert ask(capsys, "validate", "--alloy-version", version, file).code == code


def test_the_summary_names_the_version(file: str, capsys: Capture) -> None:
    answer = ask(capsys, "validate", "--alloy-version=1.10", "-r", str(Path(file).parent))
    assert answer.err.endswith("1 configuration checked for Alloy 1.10.2, 0 failed, 1 warning\n")
    assert "checked, 0 failed" in ask(capsys, "validate", "-r", str(Path(file).parent)).err


@pytest.mark.parametrize("command", ["validate", "docs", "schema"])
def test_a_version_that_is_not_out_is_said_to_be_so(command: str, file: str, capsys: Capture) -> None:
    name = file if command == "validate" else "pyroscope.write"
    note = "Note: Alloy 1.19 is not released yet; this is its newest candidate, 1.19.0-rc.3\n"
    for version in ("1.19", "1.19.0"):
        assert note in ask(capsys, command, "--alloy-version", version, name).err
    assert "Note" not in ask(capsys, command, "--alloy-version", "1.19.0-rc.3", name).err
    assert "Note" not in ask(capsys, command, "--alloy-version", "1.18", name).err
    assert ask(capsys, command, name).code == 0


@pytest.mark.parametrize("command", ["validate", "docs", "schema"])
def test_an_unknown_version_is_wrong_use(command: str, file: str, capsys: Capture) -> None:
    answer = ask(capsys, command, "--alloy-version", "1.10.9", file)
    assert (answer.code, answer.out) == (1, "")
    message = 'Error: --alloy-version: unknown Alloy version "1.10.9"; did you mean "1.10.2"?\n'
    assert answer.err.startswith(message)


def test_a_version_of_alloy_says_nothing_about_alloypy(file: str, capsys: Capture) -> None:
    answer = ask(capsys, "validate", "--for=alloypy", "--alloy-version=1.10", file)
    assert answer.code == 1
    assert "--alloy-version is about Alloy, and --for=alloypy about what this alloypy runs" in answer.err
    assert ask(capsys, "validate", "--for=alloy", "--alloy-version=1.10", file).code == 0


def test_the_reference_of_a_version(capsys: Capture) -> None:
    old = ask(capsys, "docs", "loki.write", "--alloy-version", "1.7").out
    new = ask(capsys, "docs", "loki.write", "--alloy-version", "1.10").out
    assert "as in Alloy 1.7.5; since 1.0\n" in old and "http_headers" not in old
    assert "as in Alloy 1.10.2; since 1.0\n" in new and "https://grafana.com/docs/alloy/v1.10/" in new
    headers = next(line for line in new.splitlines() if "http_headers" in line)
    assert headers.endswith("since 1.8")
    assert "only in alloypy" not in ask(capsys, "docs", "pyroscope.write", "--alloy-version", "1.2").out


def test_defaults_and_deprecations_of_a_version(capsys: Capture) -> None:
    def rates(version: str) -> dict[str, Any]:
        entry = json.loads(ask(capsys, "docs", "--json", "pyroscope.ebpf", "--alloy-version", version).out)
        return {each["name"]: each for each in entry["arguments"]["attributes"]}

    assert [rates(version)["sample_rate"].get("default") for version in ("1.10", "1.11")] == [97, 19]
    assert "deprecated" not in rates("1.10")["pid_cache_size"]
    assert rates("1.11")["pid_cache_size"]["deprecated"] == "1.11.0"


@pytest.mark.parametrize(
    ("command", "name", "version", "hint"),
    [
        ("docs", "foreach", "1.6", '"foreach" needs Alloy 1.7 or newer'),
        ("docs", "sys.env", "1.3", '"sys.env" needs Alloy 1.4 or newer'),
        ("docs", "validate", "1.8", '"validate" needs Alloy 1.9 or newer'),
        ("docs", "prometheus.write.queue", "main", '"prometheus.write.queue" was removed in Alloy 1.19'),
        ("schema", "prometheus.write.queue", "1.4", '"prometheus.write.queue" needs Alloy 1.5 or newer; it'),
        ("schema", "pyroscope.wirte", "1.4", "did you mean `pyroscope.write`?"),
    ],
)
def test_what_a_version_has_no_reference_of(
    command: str, name: str, version: str, hint: str, capsys: Capture
) -> None:
    answer = ask(capsys, command, name, "--alloy-version", version)
    assert (answer.code, answer.out) == (1, "")
    assert f"  = hint: {hint}" in answer.err


def test_functions_of_a_version(capsys: Capture) -> None:
    assert ask(capsys, "docs", "env", "--alloy-version", "1.3").out.startswith("env (generally-available)\n")
    assert '> env("REGION")' in ask(capsys, "docs", "env", "--alloy-version", "1.3").out
    members = ask(capsys, "docs", "array", "--alloy-version", "1.4").out
    assert "array.concat" in members and "array.combine_maps" not in members
    listed = ask(capsys, "docs", "--alloy-version", "1.3").out
    assert "  env\n" in listed and "  sys.env\n" not in listed
    assert "Config blocks of Alloy 1.3.4:\n" in listed and "  foreach\n" not in listed


def test_flags_of_alloy_s_commands(capsys: Capture) -> None:
    text = ask(capsys, "docs", "run", "--alloy-version", "1.10").out
    assert text.startswith("alloy run in Alloy 1.10.2\n")
    rejoin = next(line for line in text.splitlines() if "--cluster.rejoin-interval" in line)
    assert rejoin.split() == ["--cluster.rejoin-interval", "duration", "default", "1m0s"]
    discovery = next(line for line in text.splitlines() if "--cluster.use-discovery-v1" in line)
    assert discovery.endswith("default false; since 1.4; without effect since 1.5")
    assert "graphql" not in text and "graphql" in ask(capsys, "docs", "run").out
    entry = json.loads(ask(capsys, "docs", "--json", "fmt").out)
    assert entry["alloy"] == "Alloy main, the coming 1.19"
    assert [(flag["name"], flag["short"]) for flag in entry["flags"]] == [("test", "t"), ("write", "w")]


def test_the_schema_of_a_version(capsys: Capture) -> None:
    def properties(version: str) -> set[str]:
        schema = json.loads(ask(capsys, "schema", "--alloy-version", version).out)
        assert schema["title"] == f"Alloy {version}"
        return set(schema["properties"])

    assert properties("1.18.1") - properties("1.4.3") > {"prometheus.write.queue", "foreach"}
    assert json.loads(ask(capsys, "schema").out)["title"] == "Alloy main, the coming 1.19"
