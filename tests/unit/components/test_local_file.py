"""local.file: its content reaches what depends on it, as it changes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from alloypy.lang.values import OptionalSecret, Secret
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.pipeline import Pipeline, pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

PATIENCE = 30.0
POLLED = '  detector = "poll"\n  poll_frequency = "30ms"\n'
WRITE = (
    'pyroscope.write "w" {\n  endpoint {\n    url = "http://127.0.0.1:1"\n    basic_auth {\n'
    '      username = "u"\n      password = local.file.f.content\n    }\n  }\n}\n'
)


def of(path: Path | str, more: str = "") -> str:
    name = str(path).replace("\\", "\\\\").replace("\0", "\\x00")
    return f'local.file "f" {{\n  filename = "{name}"\n{more}}}\n'


def content(running: Pipeline) -> OptionalSecret:
    exported = running.controller.component("", "local.file.f").exports.content
    assert isinstance(exported, OptionalSecret)
    return exported


def password(running: Pipeline) -> str:
    """The password that pyroscope.write has."""
    [endpoint] = running.controller.component("", "pyroscope.write.w").arguments.endpoints
    found = endpoint.http_client.basic_auth.password
    assert isinstance(found, Secret)
    return found.reveal()


def health(running: Pipeline) -> tuple[str, str]:
    found = running.controller.component("", "local.file.f").health
    return found.state.text, found.message


async def refused(text: str, storage: Path) -> str:
    with pytest.raises(DiagnosticsError) as caught:
        async with pipeline(text, storage):
            pass
    return caught.value.diagnostics[0].message


async def test_the_content_is_exported(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"line\n\xff")
    async with pipeline(of(file), tmp_path) as running:
        assert content(running) == OptionalSecret("line\n\udcff", False)
        assert health(running)[0] == "healthy"
        read_at = running.metric("local_file_timestamp_last_accessed_unix_seconds")
        assert read_at is not None
        assert abs(read_at - file.stat().st_mtime) < 3600


async def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("hush")
    async with pipeline(of(file, "is_secret = true\n") + WRITE, tmp_path) as running:
        assert content(running).is_secret
        assert password(running) == "hush"
        assert "hush" not in repr(running.controller.components())
        assert "hush" not in "".join(running.log.lines)


async def test_a_secret_is_no_url(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("http://h")
    use = 'pyroscope.write "w" {\n  endpoint {\n    url = local.file.f.content\n  }\n}\n'
    assert (
        await refused(of(file, "is_secret = true\n") + use, tmp_path)
        == "local.file.f.content secrets may not be converted into strings"
    )
    async with pipeline(of(file) + use, tmp_path) as running:
        assert running.controller.component("", "pyroscope.write.w").arguments.endpoints[0].url == "http://h"


@pytest.mark.parametrize("more", ["", POLLED, 'detector = ""\n', 'detector = "fsnotify"\n'])
async def test_a_change_reaches_what_depends_on_it(more: str, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    async with pipeline(of(file, more) + WRITE, tmp_path) as running:
        assert password(running) == "one"
        file.write_text("two")
        await until(lambda: password(running) == "two")
        assert content(running).reveal() == "two"


async def test_a_file_is_followed_when_it_is_replaced_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("0")
    async with pipeline(of(file) + WRITE, tmp_path) as running:
        for version in "123":
            new = tmp_path / "new"
            new.write_text(version)
            new.replace(file)
            await until(lambda version=version: password(running) == version)  # type: ignore[misc]


async def test_a_mounted_secret_is_followed_through_its_links(tmp_path: Path) -> None:
    for version in "12":
        (tmp_path / version).mkdir()
        (tmp_path / version / "token").write_text(version)
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "token").symlink_to("..data/token")
    async with pipeline(of(tmp_path / "token") + WRITE, tmp_path) as running:
        assert password(running) == "1"
        (tmp_path / "..new").symlink_to("2")
        (tmp_path / "..new").replace(tmp_path / "..data")
        await until(lambda: password(running) == "2")


async def test_a_file_that_goes_leaves_its_last_content(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    async with pipeline(of(file, POLLED) + WRITE, tmp_path) as running:
        file.unlink()
        gone = f"failed to read file: open {file}: no such file or directory"
        await until(lambda: health(running) == ("unhealthy", gone))
        await asyncio.sleep(0.1)
        assert running.controller.unhealthy() == ["local.file"]
        assert password(running) == "one"
        failures = [line for line in running.log.lines if line.startswith("ERROR failed to read file")]
        assert len(failures) == 1
        assert f"open {file}: no such file or directory" in failures[0]
        file.write_text("back")
        await until(lambda: password(running) == "back")
        assert health(running)[0] == "healthy"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("absent.txt", "open absent.txt: no such file or directory"),
        ("", "open : no such file or directory"),
        (".", "read .: is a directory"),
        ("a\0b", "open a\0b: invalid argument"),
        ("n" * 300, f"open {'n' * 300}: file name too long"),
    ],
)
async def test_a_file_that_cannot_be_read_refuses_the_load(name: str, why: str, tmp_path: Path) -> None:
    message = await refused(of(name), tmp_path)
    assert message == f"Failed to build component: building component: failed to read file: {why}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
async def test_a_file_that_may_not_be_read_refuses_the_load(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    file.chmod(0)
    message = await refused(of(file), tmp_path)
    assert message.endswith(f"failed to read file: open {file}: permission denied")


@pytest.mark.parametrize("frequency", ["0s", "-1m"])
async def test_a_period_must_be_a_period(frequency: str, tmp_path: Path) -> None:
    message = await refused(of("f", f'poll_frequency = "{frequency}"\n'), tmp_path)
    assert message == ("Failed to build component: building component: poll_frequency must be greater than 0")


async def test_a_reload_follows_the_other_file(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text("one")
    two.write_text("two")
    async with pipeline(of(one, POLLED) + WRITE, tmp_path) as running:
        await running.load(of(two, POLLED) + WRITE)
        assert password(running) == "two"
        one.unlink()
        two.write_text("three")
        await until(lambda: password(running) == "three")
        assert health(running)[0] == "healthy"


async def test_a_reload_can_make_the_content_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    async with pipeline(of(file), tmp_path) as running:
        await running.load(of(file, "is_secret = true\n"))
        assert content(running) == OptionalSecret("one", True)


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("absent", "", "failed to read file: open absent: no such file or directory"),
        ("f", 'poll_frequency = "0s"\n', "poll_frequency must be greater than 0"),
    ],
)
async def test_a_refused_reload_keeps_the_file(name: str, more: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    async with pipeline(of(file, POLLED) + WRITE, tmp_path) as running:
        with pytest.raises(DiagnosticsError) as caught:
            await running.load(of(name, more) + WRITE)
        message = f"Failed to build component: updating component: {why}"
        assert [each.message for each in caught.value.diagnostics] == [message]
        file.write_text("two")
        await until(lambda: password(running) == "two")
        assert health(running)[0] == "healthy"
