"""The program around its commands: dispatch, help, and what a user sees when something goes wrong."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from alloypy import __version__
from alloypy.cli import main as program
from alloypy.cli.main import COMMANDS, Command, main


def plant(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    """Let every command's module be one with this `run`."""
    monkeypatch.setattr(program, "import_module", lambda name: SimpleNamespace(run=run))


def raising(error: BaseException) -> object:
    def run(argv: list[str]) -> int:
        raise error

    return run


def test_version_and_help_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"alloypy, version v{__version__}\n  ")
    for argv in (["--help"], ["-h"], ["help"]):
        assert main(argv) == 0
        captured = capsys.readouterr()
        assert "Available Commands:" in captured.out
        assert captured.err == ""


def test_without_arguments_usage_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage:" in captured.err


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frobnicate"]) == 1
    assert capsys.readouterr().err == (
        'Error: unknown command "frobnicate" for "alloypy"\nRun \'alloypy --help\' for usage.\n'
    )


def test_an_unknown_flag_is_answered_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--frob"]) == 1
    assert capsys.readouterr().err.startswith("Error: unknown flag: --frob\n")


@pytest.mark.parametrize("name", ["convert", "tools", "gql", "graphql"])
def test_commands_that_are_not_part_of_alloypy_say_so(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--whatever", "x"]) == 1
    assert "is not part of alloypy" in capsys.readouterr().err


def test_a_fault_of_alloypy_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch, raising(RuntimeError("one\ntwo")))
    monkeypatch.delenv("ALLOYPY_DEBUG", raising=False)
    assert main(["run", "x"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "RuntimeError: one two" in err
    monkeypatch.setenv("ALLOYPY_DEBUG", "1")
    assert main(["run", "x"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch, raising(KeyboardInterrupt()))
    assert main(["run", "x"]) == 130
    assert capsys.readouterr().err == ""


def test_wrong_use_has_the_commands_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "--frob"]) == 2
    assert main(["run", "--frob"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[::2] == ["Error: unknown flag: --frob"] * 2


def test_every_command_has_a_module_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        if command.module != "absent":
            assert main([command.name, "--help"]) == 0, command.name
            assert f"alloypy {command.name}" in capsys.readouterr().out


def test_help_of_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "completion"]) == 0
    assert "alloypy completion" in capsys.readouterr().out
    assert main(["help", "frob"]) == 1
    assert capsys.readouterr().err == (
        'Error: unknown help topic "frob"\n  = usage: alloypy help [command]\n'
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_its_flags(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    shown: list[Command] = [command for command in COMMANDS if not command.hidden]
    assert all(command.name in script for command in shown)
    assert "server.http.listen-addr" in script
    assert main(["completion", "csh"]) == 1
    assert 'unknown shell "csh"' in capsys.readouterr().err
