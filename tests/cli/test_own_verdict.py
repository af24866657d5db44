"""`validate` at a terminal says what `alloypy run` would refuse, and fails no more than Alloy does."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from alloypy.cli.main import main

RECEIVER = 'pyroscope.receive_http "r" {\n  forward_to = [pyroscope.write.w.receiver]\n}\n'
WRITE = 'pyroscope.write "w" {\n  endpoint {\n    url = "http://h"\n  }\n}\n'
LEVEL = "--stability.level=public-preview"


class Terminal(io.TextIOWrapper):
    """A standard error that is a terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.alloy").write_text(RECEIVER + WRITE)
    return tmp_path


def validate(monkeypatch: pytest.MonkeyPatch, *arguments: str, terminal: bool = True) -> tuple[int, str]:
    """The exit code and standard error."""
    stderr = Terminal()
    if not terminal:
        stderr.isatty = lambda: False  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", stderr)
    return main(["validate", *arguments, "config.alloy"]), stderr.text


def test_what_run_would_refuse_is_noted_at_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = validate(monkeypatch)
    assert code == 0
    assert told.startswith("Note: alloypy run would refuse this: config.alloy:1:1: component ")
    assert "--stability.level" in told
    assert validate(monkeypatch, "--strict")[0] == 0
    assert validate(monkeypatch, LEVEL) == (0, "")


def test_components_of_alloy_alone_are_noted_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = "forward_to = [prometheus.remote_write.p.receiver]"
    scrape = f'prometheus.scrape "{{0}}" {{{{\n  targets    = []\n  {forward}\n}}}}\n'
    remote = 'prometheus.remote_write "p" {\n  endpoint {\n    url = "http://h"\n  }\n}\n'
    (folder / "config.alloy").write_text(scrape.format("a") + scrape.format("b") + remote)
    code, told = validate(monkeypatch)
    first = 'config.alloy:1:1: alloypy does not run the component "prometheus.scrape"'
    after = "(and 2 more); --for=alloypy shows all, --for=alloy none\n"
    assert (code, told) == (0, f"Note: alloypy run would refuse this: {first} {after}")


@pytest.mark.parametrize("argument", ["--for=alloy", "--quiet"])
def test_explicit_flags_get_no_note(argument: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert validate(monkeypatch, argument) == (0, "")


def test_programs_are_told_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert validate(monkeypatch, terminal=False) == (0, "")
