"""Long work says on a terminal how far it is, and leaves nothing behind; elsewhere it says nothing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from alloypy.cli import streams
from alloypy.cli.progress import ShownSteps
from tests.support.running import of_checkout
from tests.support.terminal import on_terminal

CLEAR = "\r\x1b[K"
TEXT = 'pyroscope.write "w" {\n\tendpoint {\n\t\turl = "http://localhost"\n\t}\n}\n'
COMMANDS = {
    "checking": ("validate", "--recursive", "--ignore=ALY0903", "."),
    "formatting": ("fmt", "--check", "."),
    "reading": ("upgrade", "--from=1.10", "--to=1.11", "--recursive", "."),
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with more configurations than are checked without a word, each in its own."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(201):
        (folder / f"d{number}").mkdir()
        (folder / f"d{number}" / "config.alloy").write_text(TEXT)
    return folder


def quietly(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """The result without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "alloypy", *argv],
        cwd=folder,
        env=of_checkout({"CI": ""}),
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize("doing", COMMANDS)
def test_many_files_are_counted_on_a_terminal_and_the_line_is_cleared(doing: str, many: Path) -> None:
    shown = on_terminal(many, *COMMANDS[doing], variables={"CI": ""})
    plain = quietly(many, *COMMANDS[doing])
    assert shown.code == 0
    first, *_, last = shown.text.split(CLEAR)
    assert first == ""
    assert f"{CLEAR}{doing} 0 of 201 (" in shown.text
    assert last == plain.stderr
    assert doing not in plain.stderr


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"CI": "", "TERM": "dumb"}], ids=["CI", "dumb"])
def test_nothing_is_drawn_where_nobody_looks(variables: Mapping[str, str], many: Path) -> None:
    shown = on_terminal(many, *COMMANDS["checking"], variables=variables)
    assert shown == (0, quietly(many, *COMMANDS["checking"]).stderr)


@pytest.mark.parametrize("doing", COMMANDS)
def test_short_work_goes_without_saying(doing: str, many: Path) -> None:
    shown = on_terminal(many / "d0", *COMMANDS[doing], variables={"CI": ""})
    assert shown.code == 0
    assert CLEAR not in shown.text


def test_a_long_step_shows_and_other_output_gets_the_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer is not waited for: its signal is sent."""
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    with ShownSteps("checking", streams.followed) as steps:
        assert streams.followed == [steps]
        signal.raise_signal(signal.SIGALRM)
        assert re.fullmatch(r"checking \(\d+ s\) ", capfd.readouterr().err.removeprefix(CLEAR))
        streams.say("found something\n")
        assert capfd.readouterr().err == f"{CLEAR}found something\n"
        signal.raise_signal(signal.SIGALRM)
        assert capfd.readouterr().err == ""
        steps.expect(7)
        steps.step()
        signal.raise_signal(signal.SIGALRM)
        assert re.fullmatch(r"checking 1 of 7 \(\d+ s\) ", capfd.readouterr().err.removeprefix(CLEAR))
        streams.put(b"a difference\n")
        captured = capfd.readouterr()
        assert (captured.out, captured.err) == ("a difference\n", CLEAR)
    assert streams.followed == []
    assert capfd.readouterr().err == ""


def test_the_line_is_cleared_when_work_is_interrupted(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), ShownSteps("checking", streams.followed) as steps:
        steps.expect(1000)
        raise KeyboardInterrupt
    assert streams.followed == []


def test_small_runs_do_not_import_what_draws(many: Path) -> None:
    script = (
        "import sys; from alloypy.cli.main import main; main(sys.argv[1:]); "
        "print('alloypy.cli.progress' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "validate", "d0"],
        cwd=many,
        env=of_checkout({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"
