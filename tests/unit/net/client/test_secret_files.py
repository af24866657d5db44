"""Secrets in files are read again when the file changes, and faults name the file alone."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alloypy.lang.values import Secret
from alloypy.net.client import secret_files
from alloypy.net.client.auth import (
    Authorization,
    BasicAuth,
    authorization_credentials,
    basic_credentials,
)
from alloypy.net.client.messages import NotSent, Origin, Request, SendTimeout
from alloypy.net.client.secret_files import FileText, file_text
from tests.support.profiles import contents

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("watchful")]


async def test_white_space_around_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("\n  pass word \n\n")
    assert await FileText(str(tmp_path / "s")).read() == "pass word"


async def test_changes_are_seen_even_within_one_tick_of_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "s"
    text = FileText(str(path))
    for content in ("one", "two", "six"):
        path.write_text(content)
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        assert await text.read() == content


async def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloypy.files._SETTLED_NANOSECONDS", 0)
    path = tmp_path / "s"
    path.write_text("old")
    text = FileText(str(path))
    assert await text.read() == "old"
    monkeypatch.setattr(secret_files, "read_regular", lambda _: b"read again")
    assert await text.read() == "old"
    os.utime(path, (2, 2))
    assert await text.read() == "read again"


async def test_a_replaced_link_is_followed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1, 1))
    link = tmp_path / "link"
    link.symlink_to("a")
    text = FileText(str(link))
    assert await text.read() == "a"
    link.unlink()
    link.symlink_to("b")
    assert await text.read() == "b"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "open {path}: no such file or directory"),
        ("", "read {path}: is a directory"),
        ("a\0b", "open {path}: invalid argument"),
        ("pipe", "open {path}: not a regular file"),
    ],
)
async def test_faults(tmp_path: Path, name: str, reason: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = f"{tmp_path}/{name}"
    with pytest.raises(NotSent) as caught:
        await FileText(path).read()
    assert str(caught.value) == f"unable to read file {path}: " + reason.format(path=path)


async def test_a_file_that_comes_later(tmp_path: Path) -> None:
    text = FileText(str(tmp_path / "s"))
    with pytest.raises(NotSent):
        await text.read()
    (tmp_path / "s").write_text("here")
    assert await text.read() == "here"
    assert text.problem == ""


def replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [Path.unlink, replace_by_a_pipe])
async def test_what_a_file_last_held_stays_in_use(
    change: Callable[[Path], object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s"
    path.write_text("hush")
    text = FileText(str(path))
    with caplog.at_level(logging.INFO, "alloypy"):
        assert await text.read() == "hush"
        change(path)
        for _ in range(3):
            assert await text.read() == "hush"
        assert text.problem.startswith(f"unable to read file {path}: open {path}: no")
        path.unlink(missing_ok=True)
        path.write_text("new")
        assert await text.read() == "new"
    assert text.problem == ""
    assert [record.message for record in caplog.records] == [
        "a secret file cannot be read; its last content stays in use",
        "a secret file can be read again",
    ]


async def test_those_who_need_it_wait_no_longer_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    path.write_text("hush")
    released = threading.Event()
    monkeypatch.setattr(secret_files, "read_regular", lambda _: released.wait() and b"late")
    text = FileText(str(path))
    with pytest.raises(SendTimeout):
        await text.read(0.01)
    released.set()
    assert await text.read(60) == "late"


async def test_all_who_read_one_file_share_its_content(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    first = file_text(path)
    assert file_text(path) is first
    del first
    gc.collect()
    assert path not in secret_files._texts


async def test_credentials(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("fromfile")
    basic = basic_credentials(BasicAuth(username="u", password=Secret("p")))
    assert basic.fixed == await basic.header(1) == "Basic dTpw"
    basic = basic_credentials(BasicAuth(username="u", password_file=str(path)))
    assert basic.fixed is None
    assert await basic.header(60) == "Basic dTpmcm9tZmlsZQ=="
    assert basic_credentials(BasicAuth()).fixed == "Basic Og=="
    assert authorization_credentials(Authorization(credentials=Secret("t"))).fixed == "Bearer t"
    assert authorization_credentials(Authorization(type="Key", credentials=Secret("t"))).fixed == "Key t"
    given = authorization_credentials(Authorization(credentials_file=str(path)))
    assert await given.header(60) == "Bearer fromfile"
    assert given.problem == ""
    path.unlink()
    assert await given.header(60) == "Bearer fromfile"
    assert "no such file or directory" in given.problem
    absent = authorization_credentials(Authorization(credentials_file=f"{path}2"))
    with pytest.raises(NotSent, match="unable to read authorization credentials: unable to read file"):
        await absent.header(60)
    await given.aclose()


def request(*headers: tuple[str, str]) -> Request:
    return Request("POST", Origin("http", "h", 80, "h"), "/p?q", headers, (b"body",), 60)


async def test_credentials_are_applied_to_a_request(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("t")
    given = authorization_credentials(Authorization(credentials_file=str(path)))
    own = request(("User-Agent", "a"), ("Accept", "b"), ("X-Own", "c"))
    applied = await given.apply(own)
    assert applied.headers == [
        ("User-Agent", "a"),
        ("Accept", "b"),
        ("Authorization", "Bearer t"),
        ("X-Own", "c"),
    ]
    assert applied.timeout < own.timeout
    changed = {"headers": applied.headers, "timeout": applied.timeout}
    assert contents(applied) == {**contents(own), **changed}


async def test_a_request_keeps_its_own_credentials(tmp_path: Path) -> None:
    absent = authorization_credentials(Authorization(credentials_file=str(tmp_path / "absent")))
    own = request(("Authorization", "Key k"))
    assert await absent.apply(own) is own
    with pytest.raises(NotSent, match="unable to read authorization credentials"):
        await absent.apply(request())
