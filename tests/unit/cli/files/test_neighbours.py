"""Hints about names that another file of the directory declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.cli.commands.validate import command as validate

WRITE = 'pyroscope.write {0}{{\n  endpoint {{\n    url = "http://h"\n  }}\n}}\n'
RELABEL = 'pyroscope.relabel "r" {{\n  forward_to = [pyroscope.write.{0}.receiver]\n}}\n'


def said(directory: Path, main: str, other: str, capsys: pytest.CaptureFixture[str]) -> str:
    (directory / "main.alloy").write_text(main)
    (directory / "other.alloy").write_text(other)
    assert validate.run([str(directory / "main.alloy")]) == 1
    return capsys.readouterr().err


def test_what_another_file_declares_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(tmp_path, RELABEL.format("out"), WRITE.format('"out" '), capsys)
    assert "it is declared in other.alloy in this directory; validate the directory" in text


def test_a_block_without_a_label_in_another_file_declares_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = WRITE.format('"backend" ') + RELABEL.format("backnd")
    text = said(tmp_path, main, WRITE.format(""), capsys)
    assert "hint: did you mean `pyroscope.write.backend.receiver`?" in text
    assert "other.alloy" not in text


def test_a_misspelt_label_gets_the_nearest_one_of_another_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(tmp_path, RELABEL.format("aut"), WRITE.format('"out" '), capsys)
    assert "hint: did you mean `pyroscope.write.out`, which other.alloy in this directory declares?" in text


def test_a_label_unlike_those_of_other_files_gets_no_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(tmp_path, RELABEL.format("backend"), WRITE.format('"out" '), capsys)
    assert "hint: " not in text
