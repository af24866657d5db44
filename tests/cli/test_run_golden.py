"""`alloypy run` and the program's own answers, against those recorded from Alloy.

These compare exit code, stdout, diagnostics, and the messages, levels and node IDs of the log; if the
process came up, also its probes and components. Ports are replaced by free ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.components.registry import REGISTRY
from tests.support.running import Running, alloypy, free_port

GOLDEN = Path(__file__).parents[1] / "golden" / "runtime" / "run.jsonl"
ROOT = Path(__file__).parents[2]
RECORDED = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
PORT = re.compile(r"(?<!\d)21\d{3}(?!\d)")
BLOCK = re.compile(r"^[\s\ufeff]*([a-z_]+(?:\.[a-z_]+)+)\s", re.MULTILINE)
DIAGNOSTIC = re.compile(r"^(Error|Warning): (?:(-)|(\S+?):(\d+):(\d+)): (.*)$")
LOGGED = re.compile(r'^ts=\S+ level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S+)(.*)$')
NODE = re.compile(r"\b(?:node_id|node|component_id)=(\S+)")

NOT_OURS = (  # messages about Go's runtime and about clustering, which alloypy does not have
    "boringcrypto enabled",
    "memory is not limited, skipping",
    "no peer discovery configured",
    "starting cluster node",
    "peers changed",
    "=== received SIGINT/SIGTERM",
    "terminating due to context done",
    "=== Handler.Stop",
    "Alloy is starting",  # alloypy says its own name
    "alloypy is starting",
    "http server closed",  # once for each listener; alloypy has no listener in memory
    "the tracing block has no effect",
    "no endpoint",  # profiles that go nowhere cause a warning
    "forward_to is empty",
    "the URL of an endpoint cannot be used",  # as it will be at the first profile
    "environment variable is not set",
    "a client speaks",  # TLS to a plain port, or the reverse
    "the configuration has no components",  # usually the path is wrong
    "there are no *.alloy files",
    "the TLS settings of the HTTP server cannot be used",  # Alloy logs this at each handshake
)


class Fault(NamedTuple):
    """A diagnostic as it is printed."""

    severity: str
    file: str | None
    line: int | None
    col: int | None
    message: str


class Logged(NamedTuple):
    """What is compared of a log record."""

    level: str
    message: str
    node: str


LAST_ONE_WINS = ("run-log-two-labelled",)  # two logging blocks: chance decides what is logged


WHEN_NOTHING_IS_REFUSED = (
    "applying non-TLS config to HTTP server",
    "starting server",
    "server listening on addresses",
    "failed to extract module path",  # of an import without a path, because it could not be decoded
)
"""What Alloy does during evaluation; alloypy does it when nothing can be refused any more."""


def rows(kind: str) -> Iterator[Any]:
    """The recordings of `run` that came up, of `run` that did not, or of the program's other answers."""
    for row in RECORDED:
        command = row["cmd"][:1]
        if command == ["run"]:
            if (row["expect"].get("state") == "running") == (kind == "running") and kind != "other":
                yield pytest.param(row, id=row["id"])
        elif kind == "other":
            yield pytest.param(row, id=row["id"])


def missing_component(row: dict[str, Any]) -> str | None:
    """A component of Alloy in the configuration that alloypy does not run."""
    ours = set(REGISTRY)
    used = {name for text in row["files"].values() for name in BLOCK.findall(text)}
    alloys = set(load_catalog().component_names)
    return next((name for name in sorted(used & alloys - ours)), None)


def prepare(row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write the row's files with free ports; the row with the same ports. Skips what cannot be run."""
    missing = missing_component(row)
    if missing:
        pytest.skip(f"alloypy does not run {missing}")
    text = json.dumps(row)
    for port in sorted(set(PORT.findall(text))):
        text = re.sub(rf"(?<!\d){port}(?!\d)", str(free_port()), text)
    text = text.replace("<CWD>", str(folder))
    changed: dict[str, Any] = json.loads(text)
    for name, content in changed["files"].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    return changed


def command_line(row: dict[str, Any]) -> list[str]:
    """The arguments, with the level that alloypy asks for where a receiver is configured."""
    arguments = [a for a in row["cmd"] if not a.startswith("--server.http.listen-addr")]
    receives = any("pyroscope.receive_http" in text for text in row["files"].values())
    if receives and not any(a.startswith("--stability.level") for a in arguments):
        arguments.insert(1, "--stability.level=public-preview")
    return arguments


def faults(stderr: str) -> list[Fault]:
    found = []
    for line in stderr.splitlines():
        match = DIAGNOSTIC.match(line)
        if match:
            severity, _, file, line_number, column, message = match.groups()
            row, col = (int(line_number), int(column)) if file else (None, None)
            found.append(Fault(severity.lower(), file or None, row, col, in_order(message)))
    return found


def in_order(message: str) -> str:
    """The message of a cycle with its names sorted: Alloy's order is random."""
    kind, colon, names = message.partition("cycle: ")
    return message if kind or not colon else colon + ", ".join(sorted(names.split(", ")))


def compare_faults(row: dict[str, Any], stderr: str) -> None:
    expected = [
        Fault(d["severity"], d["file"], d["line"], d["col"], in_order(d["message"]))
        for d in row["expect"]["diags"]
    ]
    actual = faults(stderr)
    if row["expect"].get("diags_order") == "any":
        assert sorted(actual, key=repr) == sorted(expected, key=repr)
    else:
        assert actual == expected


def logged(stderr: str) -> set[Logged]:
    """The log records, without those that cannot be equal; the number of module evaluations is random."""
    found: set[Logged] = set()
    for line in stderr.splitlines():
        match = LOGGED.match(line)
        if match is None:
            continue
        level, message, rest = match.groups()
        message = message.strip('"')
        node = NODE.search(rest)
        record = Logged(level, message, node[1] if node else "")
        if level == "debug" or message.startswith(NOT_OURS):
            continue
        if message.startswith("node exited") and record.node.startswith("pyroscope.write."):
            continue  # Alloy reports its clean stop as an error
        found.add(record)
    return found


def told(records: set[Logged], sign: str = "-") -> list[str]:
    """Records as lines that mark which are missing (-) and which are unexpected (+)."""
    return [f"{sign} {' '.join(record)}" for record in sorted(records)]


@pytest.mark.parametrize("row", list(rows("other")))
def test_the_program_answers_as_recorded(row: dict[str, Any], tmp_path: Path) -> None:
    expected = row["expect"]
    done = alloypy(*row["cmd"], cwd=tmp_path)
    if row["cmd"][:1] in (["convert"], ["gql"], ["tools"]):
        assert done.returncode == 1
        assert "is not part of alloypy" in done.stderr
        return
    assert done.returncode == expected["exit"]
    if "version" in row["id"]:
        assert done.stdout.startswith("alloypy, version v")
        return
    for recorded, actual in ((expected["stdout"], done.stdout), (expected["stderr"], done.stderr)):
        if recorded == "<HELP>" or "Usage:" in recorded:
            assert "Usage:" in actual
            assert actual.splitlines()[0] == recorded.splitlines()[0] or not recorded.startswith("Error")
        else:
            assert actual == recorded.replace('for "alloy"', 'for "alloypy"').replace("'alloy ", "'alloypy ")


@pytest.mark.parametrize("row", list(rows("exited")))
def test_a_configuration_is_refused_as_recorded(row: dict[str, Any], tmp_path: Path) -> None:
    row = prepare(row, tmp_path)
    expected = row["expect"]
    arguments = command_line(row)
    arguments.insert(1, "--server.http.listen-addr=127.0.0.1:0")
    done = alloypy(*arguments, cwd=tmp_path, env=row["env"])
    assert done.returncode == expected["exit"], done.stderr
    if "--help" in row["cmd"]:
        assert "Usage:" in done.stdout
        return
    assert done.stdout == expected["stdout"], done.stderr
    compare_faults(row, done.stderr)
    assert last_error(done.stderr) == last_error(expected["stderr"])
    lost = logged(expected["stderr"]) - logged(done.stderr)
    assert not [each for each in lost if each.message not in WHEN_NOTHING_IS_REFUSED], done.stderr


def last_error(stderr: str) -> str:
    """The sentence that a failed command ends with."""
    return next((line for line in reversed(stderr.splitlines()) if line.startswith("Error: ")), "")


@pytest.mark.parametrize("row", list(rows("running")))
def test_a_configuration_runs_as_recorded(row: dict[str, Any], tmp_path: Path) -> None:
    row = prepare(row, tmp_path)
    expected = row["expect"]
    with Running(command_line(row)[1:], tmp_path, row["env"]) as running:
        running.wait_until_listening()
        for name in ("ready", "healthy"):
            recorded = expected["http"][name]
            assert tuple(running.get(f"/-/{name}")) == (recorded["status"], recorded["body"])
        components = running.get("/api/v0/web/components")
        assert running.stop(2) == expected["exit"]
        assert running.stdout() == expected["stdout"]
    recorded = expected["http"]["components"]
    assert components.status == recorded["status"]
    if components.status == 200:
        compare_components(recorded["body"], json.loads(components.text))
    compare_faults(row, running.text)
    if row["id"] in LAST_ONE_WINS:
        return
    actual, recorded_log = logged(running.text), logged(expected["stderr"])
    assert told(recorded_log - actual) + told(actual - recorded_log, "+") == [], running.text


def compare_components(recorded: list[dict[str, Any]], actual: list[dict[str, Any]]) -> None:
    """Names, references and states are equal; for two equal states Alloy may show either message."""

    def facts(component: dict[str, Any]) -> dict[str, Any]:
        kept = ("localID", "name", "referencesTo", "referencedBy", "dataFlowEdgesTo")
        result = {key: component[key] for key in kept}
        result["createdModuleIDs"] = component.get("createdModuleIDs", [])
        result["state"] = component["health"]["state"]
        return result

    def by_id(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(map(facts, components), key=lambda component: str(component["localID"]))

    assert by_id(actual) == by_id(recorded)
