"""Patterns of `.gitignore`, held against git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from alloypy.check.units.discovery import Discovery
from alloypy.check.units.ignore_rules import IgnoreRules

FILES = [
    "a.alloy",
    "b.alloy",
    "foo/a.alloy",
    "foo/bar/a.alloy",
    "foo/bar/b.alloy",
    "bar/foo/a.alloy",
    "bar/x y.alloy",
    "build/out.alloy",
    "x/build/out.alloy",
    "x/y/z/b.alloy",
    "#odd.alloy",
    "!odd.alloy",
    "[ab].alloy",
    "star*.alloy",
    "trailing /a.alloy",
]


@pytest.mark.parametrize(
    "patterns",
    [
        "a.alloy",
        "/a.alloy",
        "foo/",
        "foo",
        "/foo",
        "foo/bar",
        "foo/*",
        "foo/**",
        "**/foo",
        "**/foo/a.alloy",
        "foo/**/a.alloy",
        "x/**/b.alloy",
        "*.alloy\n!b.alloy",
        "!b.alloy\n*.alloy",
        "foo/\n!foo/bar/",
        "foo/*\n!foo/bar",
        "build/",
        "*/build",
        "[ab].alloy",
        "[!a].alloy",
        "[^a].alloy",
        "[a-b].alloy",
        r"\[ab\].alloy",
        "?.alloy",
        r"\#odd.alloy",
        "#odd.alloy",
        r"\!odd.alloy",
        r"star\*.alloy",
        "x y.alloy   ",
        "trailing ",
        "trailing\\ ",
        "*",
        "**",
        "/*",
        "/",
        "x/y",
        "[z-a].alloy",
        "[a.alloy",
        "[]ab].alloy",
        "a**y",
        "foo//bar",
        "b.alloy/",
        "\n\n# comment\n",
    ],
)
def test_as_git_sees_it(patterns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".gitignore").write_text(patterns)
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q", "."], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
        text=True,
    )
    expected = sorted(name for name in listed.stdout.split("\0") if name.endswith(".alloy"))
    assert sorted(Discovery().files(["."])) == expected


def test_the_nearest_list_has_the_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root" / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "root" / ".git" / "info").mkdir(parents=True)
    (tmp_path / "root" / ".git" / "info" / "exclude").write_text("sub/deep/c.alloy\n")
    (tmp_path / ".gitignore").write_text("*.alloy\n")  # above the repository
    (tmp_path / "root" / ".gitignore").write_text("/sub/deep/a.alloy\nb.alloy\n")
    (tmp_path / "root" / "sub" / ".gitignore").write_text("!b.alloy\n")
    for name in "abcd":
        (tmp_path / "root" / "sub" / "deep" / f"{name}.alloy").touch()
    monkeypatch.chdir(tmp_path)
    found = [Path(name).name for name in Discovery().files(["root/sub/deep"])]
    assert found == ["b.alloy", "d.alloy"]


def test_verdicts() -> None:
    rules = IgnoreRules(["*.alloy", "!keep.alloy", "dir/"])
    assert rules.verdict("x/a.alloy", directory=False) is True
    assert rules.verdict("x/keep.alloy", directory=False) is False
    assert rules.verdict("a.txt", directory=False) is None
    assert rules.verdict("dir", directory=False) is None
    assert rules.verdict("dir", directory=True) is True
    assert not IgnoreRules(["# nothing", ""])
