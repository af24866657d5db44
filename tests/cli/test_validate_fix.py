"""`alloypy validate`: selecting findings, and changing files."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from alloypy.cli.main import main

Capture = pytest.CaptureFixture[str]

OLD = """// A comment.
logging {
    level = env("LEVEL") // kept
}

livedebugging {
    enabled = (env("DEBUG") == "1") == true
}

local.file "a" { filename = "a" }
"""
NEW = OLD.replace("env(", "sys.env(")
NEWEST = NEW.replace(" == true", "")


class Answer(NamedTuple):
    code: int
    out: str
    err: str


def ask(capsys: Capture, *arguments: str) -> Answer:
    code = main(["validate", *arguments])
    return Answer(code, *capsys.readouterr())


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "old.alloy"
    path.write_text(OLD)
    return path


def reported(capsys: Capture, *arguments: str) -> list[str]:
    """The codes that are reported, each once."""
    answer = ask(capsys, "--output-format=json", *arguments)
    return sorted({each["code"] for each in json.loads(answer.out)["diagnostics"]})


@pytest.mark.parametrize(
    ("flags", "codes"),
    [
        ([], ["ALY0901", "ALY0903"]),
        (["--select=ALL"], ["ALY0901", "ALY0903", "ALY0975"]),
        (["--select=all", "--ignore=ALY090"], ["ALY0975"]),
        (["--select=ALY0975"], ["ALY0975"]),
        (["--select=ALY0975,aly0903"], ["ALY0903", "ALY0975"]),
        (["--select=ALY0975", "--extend-select=ALY0901"], ["ALY0901", "ALY0975"]),
        (["--extend-select=ALY097"], ["ALY0901", "ALY0903", "ALY0975"]),
        (["--ignore=ALY0903"], ["ALY0901"]),
        (["--ignore=ALL"], []),
        (["--select=ALY0903", "--ignore=ALY09"], ["ALY0903"]),
        (["--select=ALY0903", "--ignore=ALY0903"], []),
    ],
)
def test_the_more_specific_selector_decides(
    file: Path, capsys: Capture, flags: list[str], codes: list[str]
) -> None:
    assert reported(capsys, *flags, file.name) == codes
    assert ask(capsys, "--strict", *flags, file.name).code == bool(codes)


@pytest.mark.parametrize(
    ("flag", "lines"),
    [
        (
            "--select=ALY0974",
            ["Error: there is no code ALY0974; `alloypy explain` lists them", "  = hint: did you mean ALY0"],
        ),
        ("--select=ALY0301", ["Error: ALY0301 is not a lint rule; errors are always reported"]),
        ("--extend-select=A", ["Error: there is no code A; `alloypy explain` lists them"]),
        ("--ignore=0903", ["Error: there is no code 0903; `alloypy explain` lists them"]),
    ],
)
def test_a_selector_must_mean_something(file: Path, capsys: Capture, flag: str, lines: list[str]) -> None:
    answer = ask(capsys, flag, file.name)
    assert answer.code == 1
    for line, expected in zip(answer.err.splitlines(), lines, strict=False):
        assert line.startswith(expected)


def test_a_fix_changes_the_file_and_what_is_left_is_reported(file: Path, capsys: Capture) -> None:
    answer = ask(capsys, "--fix", file.name)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("Warning: old.alloy:10:1: nothing uses local.file.a\n")
    assert answer.err.endswith("\n2 fixed, 1 remaining\n")
    assert file.read_text() == NEW
    assert ask(capsys, "--fix", "--strict", "--extend-select=ALY0975", file.name).code == 1
    assert file.read_text() == NEWEST
    assert ask(capsys, "--fix", "--select=ALL", "-q", file.name) == (0, "", "")
    assert file.read_text() == NEWEST


def test_a_difference_is_shown_and_nothing_is_written(file: Path, capsys: Capture) -> None:
    answer = ask(capsys, "--diff", "--color=never", file.name)
    assert answer.code == 1
    assert "\n-    level = env" in answer.out
    assert "\n+    level = sys.env" in answer.out
    assert answer.err == "2 would be fixed\n"
    assert file.read_text() == OLD
    assert ask(capsys, "--diff", "--select=ALY0903", file.name) == (0, "", "0 would be fixed\n")


def test_standard_input_is_fixed_to_standard_output(
    file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    given(OLD)
    answer = ask(capsys, "--fix", "-")
    assert (answer.code, answer.out) == (0, NEW)
    given(NEW)
    assert ask(capsys, "--fix", "-").out == NEW
    given("logging {")
    broken = ask(capsys, "--fix", "-")
    assert (broken.code, broken.out) == (1, "logging {")
    refused = ask(capsys, "--fix", "--output-format=json", "-")
    assert (refused.code, refused.out) == (1, "")
    assert "write the report to a file" in refused.err
    for flag in ("--output-file=-", "--report=json=-"):
        assert "write the report to a file" in ask(capsys, "--fix", flag, "-").err
    in_yaml = ask(capsys, "--fix", "--from-yaml", file.name)
    assert (in_yaml.code, file.read_text()) == (1, OLD)
    assert in_yaml.err.startswith("Error: --fix and --diff change configurations in files of their own")


def test_all_files_of_a_configuration_are_fixed_and_imported_ones_are_not(
    file: Path, capsys: Capture
) -> None:
    (file.parent / "lib").mkdir()
    library = file.parent / "lib" / "m.alloy"
    library.write_text('declare "d" {\n  export "x" { value = env("X") }\n}\n')
    (file.parent / "more.alloy").write_text(
        'import.file "lib" { filename = "lib/m.alloy" }\n'
        'import.string "text" { content = `declare "e" { export "x" { value = env("X") } }` }\n'
        'lib.d "a" { }\ntext.e "a" { }\n'
        'local.file "b" { filename = lib.d.a.x + text.e.a.x + env("X") }\n'
    )
    before = library.read_text(), (file.parent / "more.alloy").read_text()
    answer = ask(capsys, "--fix", ".")
    assert answer.code == 0
    assert answer.err.endswith("\n3 fixed, 2 remaining\n")
    assert file.read_text() == NEW
    after = library.read_text(), (file.parent / "more.alloy").read_text()
    assert after == (before[0], before[1].replace('+ env("X")', '+ sys.env("X")'))


def test_a_link_stays_a_link(file: Path, capsys: Capture) -> None:
    link = file.parent / "link.alloy"
    link.symlink_to(file)
    assert ask(capsys, "--fix", "-q", "link.alloy").code == 0
    assert (link.is_symlink(), file.read_text()) == (True, NEW)


def test_a_file_that_cannot_be_written_fails(
    file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, data: bytes) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("alloypy.cli.files.rewriting.rewrite", refuse)
    answer = ask(capsys, "--fix", file.name)
    assert answer.code == 1
    assert answer.err.startswith("Error: open old.alloy: permission denied\n")
    assert answer.err.endswith("\n0 fixed, 4 remaining\n")


def test_numbers_of_findings_instead_of_findings(file: Path, capsys: Capture) -> None:
    answer = ask(capsys, "--statistics", "--select=ALL", file.name)
    assert answer == (
        0,
        "",
        """2  ALY0901  old name of a function
1  ALY0903  nothing uses it
1  ALY0975  comparison with true or false
""",
    )


COMMENTED = """pyroscope.ebpf "a" {
	// above
	pid_cache_size /* in */ = 32 // tail
	cache_rounds = 3 /* beside */
	/* before */ build_id_cache_size = 3
	same_file_cache_size = 3 // alloypy: ignore[ALY0999] reason
	forward_to = [pyroscope.relabel.r.receiver]
}

pyroscope.relabel "r" {
	forward_to = []

	rule {
		action      = "drop"
		regex       = "a"
		replacement = "$1" // repl
		/* tl */ target_label = "b" // after
	}
}

// above
declare "unused" { // beside its brace
	// inside
} // at its end
"""
UNCOMMENTED = """pyroscope.ebpf "a" {
	// above
	// tail
	/* beside */
	/* before */
	forward_to = [pyroscope.relabel.r.receiver]
}

pyroscope.relabel "r" {
	forward_to = []

	rule {
		action      = "drop"
		regex       = "a"
		// repl
		/* tl */ // after
	}
}

// above
// at its end
"""


def test_a_fix_keeps_comments_outside_the_statement_it_removes(file: Path, capsys: Capture) -> None:
    file.write_text(COMMENTED)
    ask(capsys, "--select=ALY0912,ALY0919,ALY0964", "--fix", "-q", "old.alloy")
    assert file.read_text() == UNCOMMENTED


def test_a_fix_that_would_lose_a_comment_is_not_made(file: Path, capsys: Capture) -> None:
    commented = "livedebugging {\n    enabled = (1 == 2) == /* why */ true // kept\n}\n"
    file.write_text(commented)
    answer = ask(capsys, "--select=ALY0975", "--fix", "old.alloy")
    assert (file.read_text(), "ALY0975" in answer.err + answer.out) == (commented, True)
    file.write_text(commented.replace("/* why */ ", ""))
    ask(capsys, "--select=ALY0975", "--fix", "old.alloy")
    assert file.read_text() == "livedebugging {\n    enabled = (1 == 2) // kept\n}\n"
