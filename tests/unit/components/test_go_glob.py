"""Go's patterns of file names."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.components.paths.glob import BadPatternError, glob, matcher


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.json", "a.json", True),
        ("*.json", ".json", True),
        ("*", "a/b", False),
        ("**", "ab", True),
        ("a*b*c", "aXbYc", True),
        ("*a*ab*b", "xxaabyab", True),
        ("*ab", "aab", True),
        ("?", "ä", True),
        ("?", "/", False),
        ("[a-c]?", "bz", True),
        ("[^a]", "b", True),
        ("[!a]", "b", False),
        ("[!a]", "!", True),
        (r"[\]]", "]", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("[b-a]", "a", False),
        ("{a,b}", "a", False),
    ],
)
def test_what_a_pattern_matches(pattern: str, name: str, matches: bool) -> None:
    assert bool(matcher(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize("pattern", ["[", "[a", "[]", "[]a]", "[^]", "[a-", "[a-]", "[-a]", "a\\", "[a]\\"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(BadPatternError, match="syntax error in pattern"):
        glob(f"absent/{pattern}")


def test_many_stars_take_no_longer_than_few() -> None:
    assert not matcher("*a" * 60 + "b").fullmatch("a" * 250)


def test_files_are_found_in_order(tmp_path: Path) -> None:
    for name in ("d2/a.json", "d1/b.json", "d1/a.json", "d1/.c.json", "e/a.json", "d1/d.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = glob(f"{tmp_path}/d*/*.json")
    assert [each.removeprefix(f"{tmp_path}/") for each in found] == [
        "d1/.c.json",
        "d1/a.json",
        "d1/b.json",
        "d2/a.json",
    ]
    assert glob(f"{tmp_path}/e/a.json") == [f"{tmp_path}/e/a.json"]
    assert glob(f"{tmp_path}/absent/*") == glob(f"{tmp_path}/e/b.json") == []


def test_relative_patterns_stay_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.json").touch()
    assert glob("*") == ["d"]
    assert glob("./d/*") == ["d/a.json"]
