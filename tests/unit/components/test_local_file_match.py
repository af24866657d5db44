"""local.file_match: which files it finds, and how it tells of trouble."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alloypy.components.paths.doublestar import excludes, expand
from alloypy.components.paths.glob import BadPatternError
from tests.support.pipeline import Pipeline, pipeline
from tests.support.waiting import until
from tests.support.watchdog import watching

pytestmark = pytest.mark.anyio

FILES = ("1.log", "a/b/c.log", "a/b/d/e.log", "a/x.log", "b.log", "ab.txt", ".h/i.log")


def tree(folder: Path) -> Path:
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def of(pattern: str, exclude: str = "", more: str = 'sync_period = "50ms"') -> str:
    target = {"__path__": pattern, "job": "x", "empty": ""} | (
        {"__path_exclude__": exclude} if exclude else {}
    )
    fields = ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in target.items())
    return f'local.file_match "m" {{\n path_targets = [{{ {fields} }}]\n {more}\n}}\n'


def paths(running: Pipeline, folder: Path) -> list[str]:
    exported = running.controller.component("", "local.file_match.m").exports
    return [os.path.relpath(target.own["__path__"], folder) for target in exported.targets]


def health(running: Pipeline) -> str:
    return running.controller.component("", "local.file_match.m").health.message


def found(pattern: str, folder: Path) -> list[str]:
    return [os.path.relpath(path, folder) for path in expand(f"{folder}/{pattern}")]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.log", ["1.log", "b.log"]),
        ("**/*.log", ["1.log", "b.log", ".h/i.log", "a/x.log", "a/b/c.log", "a/b/d/e.log"]),
        ("a/**/e.log", ["a/b/d/e.log"]),
        ("a/{x,b/c}.log", ["a/b/c.log", "a/x.log"]),
        ("{a,a}/x.log", ["a/x.log"]),
        ("?.log", ["1.log", "b.log"]),
        ("[!0-9].log", ["b.log"]),
        (r"[b]\.log", ["b.log"]),
        ("{,a}b{.log,.txt}", ["ab.txt", "b.log"]),
        ("a**b*", ["ab.txt"]),
        ("a/../b.log", ["b.log"]),
        ("absent/*", []),
    ],
)
def test_what_a_pattern_finds(pattern: str, names: list[str], tmp_path: Path) -> None:
    assert found(pattern, tree(tmp_path)) == names


@pytest.mark.parametrize("pattern", ["[a", "{a", "a}", "[]", "a\\", "{a,{b}", "[!]"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    for read in (expand, excludes):
        with pytest.raises(BadPatternError):
            read(pattern)


def test_alternatives_that_multiply_are_refused() -> None:
    with pytest.raises(BadPatternError):
        excludes("{a,b}" * 12)


def test_a_pattern_that_could_backtrack_does_not() -> None:
    assert not excludes("*a" * 60 + "b").fullmatch("a" * 250)
    assert not excludes("**/a/" * 12 + "b").fullmatch("a/" * 40 + "c")


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/a", True),
        ("/a/**/c", "/a/c", True),
        ("/**/*.log", "/x/y/z.log", True),
        ("/a/*", "/a/b/c", False),
        ("/a/b**", "/a/b/c", False),
        ("{/a,/b}/*.{log,txt}", "/b/x.txt", True),
        ("*.log", "/x.log", False),
        ("[a-c-]", "-", True),
    ],
)
def test_what_is_excluded(pattern: str, path: str, matches: bool) -> None:
    assert bool(excludes(pattern).fullmatch(path)) is matches


def test_links_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    (tree(tmp_path) / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    assert found("**/c.log", tmp_path) == ["a/b/c.log"]
    assert found("a/*/1.log", tmp_path) == ["a/up/1.log"]


async def test_files_come_and_go(tmp_path: Path) -> None:
    async with pipeline(of(f"{tmp_path}/*.log"), tmp_path) as running:
        await until(lambda: paths(running, tmp_path) == [])
        (tmp_path / "a.log").touch()
        await until(lambda: paths(running, tmp_path) == ["a.log"])
        [target] = running.controller.component("", "local.file_match.m").exports.targets
        assert dict(target.labels) == {"__path__": f"{tmp_path}/a.log", "job": "x"}
        (tmp_path / "b.log").touch()
        await until(lambda: paths(running, tmp_path) == ["a.log", "b.log"])
        assert running.controller.component("", "local.file_match.m").exports.targets[0] is target
        (tmp_path / "a.log").unlink()
        await until(lambda: paths(running, tmp_path) == ["b.log"])


async def test_an_update_takes_effect_immediately(tmp_path: Path) -> None:
    tree(tmp_path)
    hourly = 'sync_period = "1h"'
    async with pipeline(of(f"{tmp_path}/*.log", more=hourly), tmp_path) as running:
        await until(lambda: paths(running, tmp_path) == ["1.log", "b.log"])
        await running.load(of(f"{tmp_path}/*.log", exclude=f"{tmp_path}/1*", more=hourly))
        await until(lambda: paths(running, tmp_path) == ["b.log"])


async def test_old_files_are_left_out(tmp_path: Path) -> None:
    tree(tmp_path)
    os.utime(tmp_path / "1.log", (0, 0))
    text = of(f"{tmp_path}/*.log", more='ignore_older_than = "1h"')
    async with pipeline(text, tmp_path) as running:
        await until(lambda: paths(running, tmp_path) == ["b.log"])


async def test_trouble_is_logged_once_and_shows_while_it_lasts(tmp_path: Path) -> None:
    tree(tmp_path)
    async with pipeline(of(f"{tmp_path}/*.log", exclude="[a"), tmp_path) as running:
        await until(lambda: paths(running, tmp_path) == ["1.log", "b.log"])
        (tmp_path / "c.log").touch()
        await until(lambda: "c.log" in paths(running, tmp_path))
        assert len([line for line in running.log.lines if "exclude pattern" in line]) == 1
        assert "excluded=[a err=syntax error in pattern" in health(running)
        await running.load(of(f"{tmp_path}/*.log"))
        await until(lambda: health(running) in {"component evaluated", "started component"})


async def test_a_period_that_is_not_positive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="sync_period must be greater than 0"):
        async with pipeline(of("x", more='sync_period = "0s"'), tmp_path):
            pass


async def test_many_files_do_not_hold_the_loop(tmp_path: Path) -> None:
    for number in range(2_000):
        (tmp_path / f"{number}.log").touch()
    with watching():
        async with pipeline(of(f"{tmp_path}/*.log"), tmp_path) as running:
            await until(lambda: len(paths(running, tmp_path)) == 2_000)
