"""Wrong use: what was meant, what is allowed, and the line to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.cli.main import main

LEVELS = "allowed: generally-available, public-preview, experimental"


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    assert main(argv) in {1, 2}
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    return err.splitlines()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("ru x.alloy", "run x.alloy"),
        ("format2 x.alloy", "fmt x.alloy"),
        ("check .", "validate ."),
        ("lint .", "validate ."),
        ("version", "--version"),
        ("docz pyroscope.write", "docs pyroscope.write"),
        ("help ru", "help run"),
        ("fmt --chek d", "fmt --check d"),
        ("fmt --fix d", "fmt --write d"),
        ("validate --stability-level=experimental x", "validate --stability.level=experimental x"),
        ("run --stability experimental x", "run --stability.level experimental x"),
        ("run --listen-addr=:1 x", "run --server.http.listen-addr=:1 x"),
        ("validate --stability.level=experimentl x", "validate --stability.level=experimental x"),
        ("validate --stability.level experimentl x", "validate --stability.level experimental x"),
        ("validate --output-format jsn x", "validate --output-format json x"),
        ("fmt a b", "fmt -w a b"),
    ],
)
def test_the_last_line_can_be_typed(wrong: str, right: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, *wrong.split())
    assert lines[0].startswith("Error: ")
    assert lines[-1] == f"  = type: alloypy {right}"
    assert any(line.startswith("  = hint: ") for line in lines)


@pytest.mark.parametrize(
    ("wrong", "hint", "usage"),
    [
        ("validate --stability.level=beta x", LEVELS, "alloypy validate [flags] PATH..."),
        ("run --stability.level=beta x", LEVELS, "alloypy run [flags] PATH"),
        (
            "validate --output-format=xml x",
            "allowed: text, json, github, sarif, junit, markdown",
            "alloypy validate [flags] PATH...",
        ),
        ("validate --for=foo x", "allowed: alloy, alloypy", "alloypy validate [flags] PATH..."),
        ("validate --strict=maybe x", "allowed: true, false", "alloypy validate [flags] PATH..."),
        (
            "run --feature.component-shutdown-deadline=soon x",
            "a number with its unit, such as 15s or 1m30s",
            "alloypy run [flags] PATH",
        ),
        ("run", None, "alloypy run [flags] PATH"),
        ("run a b", None, "alloypy run [flags] PATH"),
        ("validate", None, "alloypy validate [flags] PATH..."),
        ("fmt --frobnicate x", None, "alloypy fmt [flags] [PATH...]"),
        ("completion tcsh", None, "alloypy completion [flags] bash|zsh|fish"),
    ],
)
def test_without_a_guess_the_last_line_is_the_usage(
    wrong: str, hint: str | None, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(capsys, *wrong.split())
    assert lines[-1] == f"  = usage: {usage}"
    assert [line for line in lines if "= hint:" in line] == ([f"  = hint: {hint}"] if hint else [])


def test_a_directory_to_format_names_the_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "fmt", str(tmp_path)) == [
        "Error: cannot format a directory",
        "  = hint: -w formats the files in place, --check and --diff only look",
        f"  = type: alloypy fmt -w {tmp_path}",
    ]


def test_a_wrong_flag_of_the_program_itself(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "--verison")
    assert lines[0] == "Error: unknown flag: --verison"
    assert "Usage:" in lines
    assert lines[-1] == "  = type: alloypy --version"


def test_the_line_to_type_holds_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "validate", "--env", "A=hunter2", "--env=B=hunter2", "--strit", "a file.alloy")
    assert lines[-1] == "  = type: alloypy validate --env A=... --env=B=... --strict 'a file.alloy'"
    lines = told(capsys, "eval", "--fomat", "json", '"hunter2"')
    assert not any("hunter2" in line for line in lines)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["lint"], "  = type: alloypy validate ."),
        (["lint", "x.alloy"], "  = type: alloypy validate x.alloy"),
        (["serve"], "  = type: alloypy run config.alloy"),
    ],
)
def test_the_line_to_type_can_be_typed(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    assert told in capsys.readouterr().err.splitlines()
