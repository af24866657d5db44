"""discovery.file: what it reads, and how it follows changes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alloypy.components.discovery import file_scan, shell
from alloypy.components.discovery.target_groups import GroupsError, TargetGroup
from alloypy.components.discovery.target_groups_yaml import read_yaml
from tests.support.pipeline import Pipeline, pipeline
from tests.support.waiting import until
from tests.support.watchdog import watching

pytestmark = pytest.mark.anyio


def of(*patterns: Path | str, more: str = "") -> str:
    files = ", ".join(json.dumps(str(each)) for each in patterns)
    return f'discovery.file "f" {{\n  files = [{files}]\n{more}}}\n'


def groups(*addresses: str) -> str:
    return json.dumps([{"targets": [each]} for each in addresses])


@asynccontextmanager
async def discovering(text: str, storage: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pipeline]:
    """A configuration whose discovery publishes often."""
    monkeypatch.setattr(shell, "PUBLISH_SECONDS", 0.02)
    async with pipeline(text, storage) as running:
        yield running


def addresses(running: Pipeline) -> list[str]:
    exported = running.controller.component("", "discovery.file.f").exports
    return [target.own["__address__"] for target in exported.targets]


def health(running: Pipeline) -> tuple[str, str]:
    found = running.controller.component("", "discovery.file.f").health
    return found.state.text, found.message


def errors(running: Pipeline) -> list[str]:
    return [line for line in running.log.lines if line.startswith("ERROR")]


async def test_a_swap_of_links_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "t.json").write_text(groups(version))
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "t.json").symlink_to("..data/t.json")
    async with discovering(of(tmp_path / "*.json"), tmp_path, monkeypatch) as running:
        await until(lambda: addresses(running) == ["one"])
        (tmp_path / "..data_tmp").symlink_to("two")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        await until(lambda: addresses(running) == ["two"])


async def test_files_and_directories_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = of(tmp_path / "*/*.json", tmp_path / "absent" / "a.yml")
    async with discovering(text, tmp_path, monkeypatch) as running:
        await until(lambda: len(errors(running)) == 1)
        assert "Error adding file watch" in errors(running)[0]
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "a.json").write_text(groups("a"))
        await until(lambda: addresses(running) == ["a"])
        (tmp_path / "absent").mkdir()
        (tmp_path / "absent" / "a.yml").write_text("- targets: [b]")
        await until(lambda: addresses(running) == ["a", "b"])
        (tmp_path / "new" / "a.json").unlink()
        await until(lambda: addresses(running) == ["b"])


async def test_the_last_good_targets_stay_while_a_file_is_broken_and_through_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text(groups("a", "b"))
    two.write_text(groups("c"))
    async with discovering(of(one, two), tmp_path, monkeypatch) as running:
        await until(lambda: addresses(running) == ["a", "b", "c"])
        one.write_text("[{")
        await until(lambda: health(running)[0] == "unhealthy")
        assert "unexpected end of JSON input" in health(running)[1]
        await running.load(of(one, two, more='  refresh_interval = "1h"\n'))
        two.write_text(groups("d"))
        await until(lambda: addresses(running) == ["a", "b", "d"])
        assert health(running)[0] == "unhealthy"
        one.write_text(groups("e"))
        await until(lambda: addresses(running) in (["e", "d"], ["d", "e"]))
        assert health(running) == ("healthy", "component evaluated")


async def test_a_broken_file_is_counted_once_until_it_changes_or_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_text("[")
    async with discovering(of(path), tmp_path, monkeypatch) as running:
        await until(lambda: running.metric("prometheus_sd_file_read_errors_total") == 1)
        os.utime(path)
        await until(lambda: running.metric("prometheus_sd_file_scan_duration_seconds_count") == 2)
        assert running.metric("prometheus_sd_file_read_errors_total") == 1
        assert len(errors(running)) == 1
        path.write_text(groups("a"))
        await until(lambda: addresses(running) == ["a"])
        assert running.metric("prometheus_sd_file_mtime_seconds", filename=str(path)) == int(
            path.stat().st_mtime
        )


async def test_a_file_that_is_being_written_is_read_when_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_text(groups("a"))
    async with discovering(of(path), tmp_path, monkeypatch) as running:
        await until(lambda: addresses(running) == ["a"])
        text = groups(*map(str, range(30)))
        with path.open("w") as writing:
            for at in range(0, len(text), len(text) // 8):
                writing.write(text[at : at + len(text) // 8])
                writing.flush()
                await asyncio.sleep(0.05)
        await until(lambda: len(addresses(running)) == 30)
        assert errors(running) == []


async def test_files_that_never_end_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "good.json").write_text(groups("a"))
    async with discovering(of(tmp_path / "*.json"), tmp_path, monkeypatch) as running:
        await until(lambda: addresses(running) == ["a"])
        assert "not a regular file" in health(running)[1]


async def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_scan, "_MOST_YAML_BYTES", 1 << 20)
    path = tmp_path / "a.yml"
    path.write_bytes(b"#" * (2 << 20))
    async with discovering(of(path), tmp_path, monkeypatch) as running:
        await until(lambda: health(running)[0] == "unhealthy")
        assert "larger than 1 MiB: divide it into several files" in health(running)[1]


async def test_a_large_file_does_not_hold_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    with watching():
        path.write_text(
            json.dumps([{"targets": [f"10.0.0.1:{n}" for n in range(2_000)], "labels": {"a": "b"}}])
        )
        async with discovering(of(path), tmp_path, monkeypatch) as running:
            await until(lambda: len(addresses(running)) == 2_000)


async def test_an_interval_that_is_not_positive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="refresh_interval must be greater than 0"):
        async with pipeline(of("a.json", more='  refresh_interval = "0s"\n'), tmp_path):
            pass


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("", None),
        ("~", None),
        ("- targets: [a]", TargetGroup(["a"], {})),
        ("- labels: {a: yes, b: 010, c: ~}", TargetGroup((), {"a": "yes", "b": "010", "c": ""})),
        ("- targets: [&x a, *x]", TargetGroup(["a", "a"], {})),
        ("- {targets: [a], <<: {targets: [b], labels: {c: d}}}", TargetGroup(["a"], {"c": "d"})),
        ("- targets: [a]\n---\n- targets: [b]", TargetGroup(["a"], {})),
        ("- targets:\n  labels:\n", TargetGroup((), {})),
    ],
)  # fmt: skip
def test_yaml_is_read_as_it_is_written(text: str, group: TargetGroup | None) -> None:
    assert read_yaml(text.encode()) == ([] if group is None else [group])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "expected a list of target groups, got a string"),
        ("- ~", "nil target group item found"),
        ("- a", "group 1: expected an object, got a string"),
        ("- targets: a", "group 1: targets must be a list of strings, not a string"),
        ("- targets: [[a]]", "group 1: a target must be a string, not a list"),
        ("- labels: [a]", "group 1: labels must be an object, not a list"),
        ("- labels: {a: {}}", 'group 1: label "a" must be a string, not an object'),
        ("- labels: {'': a}", '"" is not a valid label name'),
        ("- {}\n- extra: 1", 'yaml: line 2: unknown field "extra", expected targets or labels'),
        ("- <<: a", "yaml: line 1: `<<` needs an object or a list of objects"),
        ("- targets: [a", "yaml: "),
    ],
)
def test_yaml_that_is_no_list_of_groups_is_refused(text: str, message: str) -> None:
    with pytest.raises(GroupsError) as caught:
        read_yaml(text.encode())
    assert str(caught.value).startswith(message)


def test_aliases_cannot_make_a_small_document_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloypy.components.discovery.target_groups_yaml._MOST_NODES", 10_000)
    text = "- &a {targets: [" + "x," * 200 + "x]}\n" + "- *a\n" * 200
    with pytest.raises(GroupsError, match="excessive aliasing"):
        read_yaml(text.encode())


async def test_a_list_that_flaps_ends_where_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    with watching():
        async with discovering(of(path), tmp_path, monkeypatch) as running:
            for number in range(40):
                (tmp_path / "new").write_text(groups("a", "b") if number % 2 else groups("a"))
                (tmp_path / "new").rename(path)
                await asyncio.sleep(0.02)
            await until(lambda: addresses(running) == ["a", "b"])
            assert errors(running) == []
