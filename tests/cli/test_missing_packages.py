"""Without a package that a command needs, one line says what to install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alloypy.cli.main import main


@pytest.mark.parametrize("command", [["run", "config.alloy"], ["dev-sink"]], ids=lambda each: each[0])
def test_without_httptools_nothing_is_served(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.alloy").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "httptools", None)
    assert main(command) == 1
    told = f'Error: "alloypy {command[0]}" needs the package httptools, which is not installed'
    assert capsys.readouterr().err == f"{told}: pip install httptools\n"
