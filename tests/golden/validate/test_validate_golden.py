"""`validate` against Alloy's answers for the same configurations, and against those of loading them."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import Checked, check_files
from alloypy.cli.main import main
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source

FOLDER = Path(__file__).parent


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


def named(row: Mapping[str, Any]) -> str:
    return str(row.get("id") or row.get("name"))


def gate(arguments: list[str]) -> Gate:
    level = Stability.GENERALLY_AVAILABLE
    for argument in arguments:
        if argument.startswith("--stability.level="):
            level = Stability[argument.partition("=")[2].upper().replace("-", "_")]
    return Gate(level, "--feature.community-components.enabled" in arguments)


def check(text: str, arguments: list[str]) -> Checked:
    files = parse_config([Source("config.alloy", text.encode())])
    return check_files(files, load_catalog(), gate(arguments))


def described(diagnostic: Diagnostic) -> dict[str, Any]:
    assert diagnostic.span is not None
    end = diagnostic.span.end_position
    return {
        "line": diagnostic.span.start_position.line,
        "col": diagnostic.span.start_position.column,
        "end_line": end.line if end else 0,
        "end_col": end.column if end else 0,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
    }


def errors(checked: Checked) -> list[str]:
    return [d.message for d in checked.further if d.severity is Severity.ERROR]


@pytest.mark.parametrize("row", rows("validate"), ids=named)
def test_finds_what_alloy_finds_in_its_order(row: Mapping[str, Any]) -> None:
    try:
        found = check(row["input"], row["args"]).as_alloy
    except DiagnosticsError as error:
        found = list(error.diagnostics)
    if "go_panic" not in row["expect"]:
        assert [described(d) for d in found] == row["expect"]["diags"]


ALSO_REFUSED = {
    "load-only-13": "an expression that is read when the component is built, after its arguments",
    "load-only-28": "services, which the recording did not load",
}


@pytest.mark.parametrize("row", [r for r in rows("validate") if "load_errors" in r], ids=named)
def test_refuses_nothing_that_loads(row: Mapping[str, Any]) -> None:
    if not row["load_errors"] and row["id"] not in ALSO_REFUSED:
        assert errors(check(row["input"], row["args"])) == []


@pytest.mark.parametrize("row", rows("load_rules"), ids=named)
def test_finds_the_load_rules_that_are_broken(row: Mapping[str, Any]) -> None:
    checked = check(row["input"], row["args"])
    assert [described(d) for d in checked.as_alloy] == row["expect"]["validate_diags"]
    assert errors(checked) == [fault["message"] for fault in row["expect"]["load_errors"]]


PREFIXES = (
    "Failed to build component: ",
    "Failed to evaluate service: ",
    "Failed to evaluate node for config block: ",
    "decoding configuration: ",
    "building component: ",
)


def without_prefix(message: str) -> str:
    for prefix in PREFIXES:
        message = message.removeprefix(prefix)
    return re.sub(r"^config\.alloy:\d+:\d+: ", "", message)


@pytest.mark.parametrize("row", rows("pyroscope"), ids=named)
def test_agrees_with_loading_on_profile_components(row: Mapping[str, Any]) -> None:
    try:
        checked = check(row["config"], ["--stability.level=public-preview"])
    except DiagnosticsError:
        assert row["exit"] == 1
        return
    if row["came_up"] is True:
        assert errors(checked) == []
    elif row["came_up"] is False:
        told = [re.sub(r"^Error: config\.alloy:\d+:\d+: ", "", line) for line in row["errors"]]
        wanted = {without_prefix(line) for line in told if not line.startswith("Error: could not")}
        assert wanted & set(errors(checked)), (wanted, errors(checked))


def run_command(row: Mapping[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    for name, content in row["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    monkeypatch.chdir(folder)
    return main(row["cmd"])


def told(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("Error: ", "Warning: "))]


@pytest.mark.parametrize("row", rows("commands"), ids=named)
def test_the_command_reports_all_that_alloy_reports(
    row: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = io.TextIOWrapper(io.BytesIO(row.get("stdin", "").encode()))
    monkeypatch.setattr(sys, "stdin", given)
    code = run_command(row, tmp_path, monkeypatch)
    out, err = capsys.readouterr()
    expected = row["expect"]
    if "--help" in row["cmd"]:
        assert (code, err) == (0, "")
        return
    if row["id"] == "cli-validate-stdin-dash":  # Alloy looks for a file of that name
        assert (code, told(err)) == (0, ["Warning: <stdin>:1:1: nothing uses pyroscope.write.w"])
        return
    ours, theirs = told(err), told(expected["stderr"])
    beyond = [line for line in ours if line.startswith("Error: ") and line not in theirs]
    kinds = {diag["severity"] for diag in expected["diags"]}
    if kinds == {"warning"} and not beyond:  # Alloy fails on warnings alone
        assert code == 0
        assert [line for line in theirs if line.startswith("Warning")] == ours[: len(theirs) - 1]
        return
    assert [line for line in ours if line in theirs] == theirs
    if beyond:
        assert code == 1
    else:
        assert (code, out) == (expected["exit"], expected["stdout"])


DEPENDS_ON_THE_MACHINE = {
    "run-addr-bad": "a host name that does not resolve",
    "run-imp-http-refused": "a server that does not answer",
    "run-local-file-missing": "a file that is not there",
    "run-local-file-missing-dependant": "a file that is not there",
}
REFUSED_BY_VALIDATE = {
    "run-foreach-no-label": "Alloy's validate wants a label",
    "run-mod-no-label-instance": "Alloy's validate wants a label",
    "run-mod-unused-declare-broken": "Alloy's validate looks into declares that nothing uses",
}

TOLD_OTHERWISE = {
    "run-doc-enrich-public-preview": 'component "pyroscope.enrich" is at stability level "experimental"',
    "run-foreach-no-template": 'missing required block "template"',
    "run-imp-missing-arg": 'missing required argument "url" to module',
    "run-mixed-errors": "cannot reference self",
    "run-mod-attr-in-declare": "unsupported statement type *ast.AttributeStmt",
    "run-mod-logging-inside": "logging not allowed in module",
    "run-mod-service-inside": "http not allowed in module",
    "run-mod-tracing-inside": "tracing not allowed in module",
    "run-mod-unknown-arg": 'unrecognized attribute name "zzz"',
}
"""Cases in which Alloy's `validate` words it differently from its `run`, or stops at an earlier error."""


def is_told(message: str, ours: list[str]) -> bool:
    """Whether an error of loading is among those of `validate`, which shows no values."""
    message = without_prefix(message)
    if message.startswith("cycle: "):  # reported for each of its members, in a different order
        members = sorted(message.removeprefix("cycle: ").split(", "))
        return f"cycle detected: {', '.join(members)}" in ours
    words = {message, re.sub("^.* should be ", "expected ", message)}
    return any(each in words or message.endswith(f" {each}") for each in ours)


@pytest.mark.parametrize("row", rows("loads"), ids=named)
def test_says_of_a_configuration_what_running_it_says(
    row: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run_command(row, tmp_path, monkeypatch)
    err = capsys.readouterr().err
    if row["id"] in DEPENDS_ON_THE_MACHINE:
        assert code == 0
    elif row["id"] in REFUSED_BY_VALIDATE:
        assert code == 1
    else:
        ours = [re.sub(r"^Error: (\S+?:\d+:\d+: )?", "", line) for line in told(err)]
        assert code == (0 if row["loads"] else 1), err
        if row["id"] in TOLD_OTHERWISE:
            assert any(each.startswith(TOLD_OTHERWISE[row["id"]]) for each in ours), ours
        else:
            refused = [each["message"] for each in row["diags"] if each["severity"] == "error"]
            assert all(is_told(message, ours) for message in refused), ours
