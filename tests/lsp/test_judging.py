"""Settings mean the same in the editor as on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.cli.commands.validate.judging import Judging as OfCommandLine
from alloypy.cli.commands.validate.options import Options
from alloypy.lsp.workspace.judging import Judging

SETTINGS = (
    "",
    'alloy-version = "1.5"\nstability-level = "experimental"\n',
    'alloy-version = "main"\ncommunity-components = true\n',
    'for = "alloypy"\n',
    'select = ["ALY09"]\nignore = ["ALY0903", "ALY0401"]\nextend-select = ["ALY0950"]\n',
    'env-files = ["one.txt", "two.txt"]\n[per-file-ignores]\n"a*.alloy" = ["ALY0903"]\n',
)


@pytest.mark.parametrize("text", SETTINGS)
def test_a_check_has_the_options_of_the_command_line(tmp_path: Path, text: str) -> None:
    (tmp_path / ".alloypy.toml").write_text(text)
    (tmp_path / "one.txt").write_text("A=1\nB=1\n")
    (tmp_path / "two.txt").write_text("B=2\n")
    path = str(tmp_path / "a.alloy")
    ours, theirs = Judging().checking(path), OfCommandLine(Options([path])).checking(path)
    assert ours.language.version == theirs.language.version
    assert type(ours.language) is type(theirs.language)
    assert ours.ignored_in is None or theirs.ignored_in is not None
    if ours.ignored_in is not None and theirs.ignored_in is not None:
        assert ours.ignored_in(path) == theirs.ignored_in(path) == {"ALY0903"}
    same = ours._replace(language=theirs.language, ignored_in=theirs.ignored_in)
    assert same == theirs


def test_files_of_variables_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / ".alloypy.toml").write_text('env-files = ["missing", "bad", "good"]\n')
    (tmp_path / "bad").write_text("secret\n")
    (tmp_path / "good").write_text("A=1\n")
    judging = Judging()
    assert judging.checking(str(tmp_path / "a.alloy")).environ == {"A": "1"}
    assert [each.partition(str(tmp_path))[2] for each in judging.problems] == [
        "/missing: no such file or directory",
        "/bad:1: expected KEY=VALUE",
    ]


def test_a_version_that_does_not_exist_is_a_fault_of_the_settings_that_name_it(tmp_path: Path) -> None:
    (tmp_path / ".alloypy.toml").write_text('ignore = ["ALY0903"]\n')
    judging = Judging({"alloyVersion": "1.99"}, str(tmp_path))
    assert judging.checking(str(tmp_path / "a.alloy")).language.version is None
    (problem,) = judging.problems
    assert problem.startswith(f"{tmp_path}/the settings of the editor: alloy-version: ")
