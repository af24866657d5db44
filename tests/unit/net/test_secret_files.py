"""Secrets in files are read again when the file changes, and faults name the file alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alloypy.lang.values import Secret
from alloypy.net.auth import (
    Authorization,
    BasicAuth,
    authorization_credentials,
    basic_credentials,
)
from alloypy.net.secret_files import FileText
from alloypy.net.sending import NotSent


def test_white_space_around_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("\n  pass word \n\n")
    assert FileText(str(tmp_path / "s")).read() == "pass word"


def test_changes_are_seen_at_once_even_within_one_tick_of_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "s"
    text = FileText(str(path))
    for content in ("one", "two", "six"):
        path.write_text(content)
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        assert text.read() == content


def test_an_old_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    path.write_text("old")
    os.utime(path, (1, 1))
    text = FileText(str(path))
    assert text.read() == "old"
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"not read")
    assert text.read() == "old"
    os.utime(path, (2, 2))
    assert text.read() == "not read"


def test_a_replaced_link_is_followed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1, 1))
    link = tmp_path / "link"
    link.symlink_to("a")
    text = FileText(str(link))
    assert text.read() == "a"
    link.unlink()
    link.symlink_to("b")
    assert text.read() == "b"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "open {path}: no such file or directory"),
        ("", "read {path}: is a directory"),
        ("a\0b", "open {path}: invalid argument"),
    ],
)
def test_faults(tmp_path: Path, name: str, reason: str) -> None:
    path = f"{tmp_path}/{name}"
    with pytest.raises(NotSent) as caught:
        FileText(path).read()
    assert str(caught.value) == f"unable to read file {path}: " + reason.format(path=path)


def test_a_file_that_comes_later(tmp_path: Path) -> None:
    text = FileText(str(tmp_path / "s"))
    with pytest.raises(NotSent):
        text.read()
    (tmp_path / "s").write_text("here")
    assert text.read() == "here"


@pytest.mark.anyio
async def test_credentials(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("fromfile")
    basic = basic_credentials(BasicAuth(username="u", password=Secret("p")))
    assert basic.fixed == await basic.header(1) == "Basic dTpw"
    basic = basic_credentials(BasicAuth(username="u", password_file=str(path)))
    assert basic.fixed is None
    assert await basic.header(1) == "Basic dTpmcm9tZmlsZQ=="
    assert basic_credentials(BasicAuth()).fixed == "Basic Og=="
    assert authorization_credentials(Authorization(credentials=Secret("t"))).fixed == "Bearer t"
    assert authorization_credentials(Authorization(type="Key", credentials=Secret("t"))).fixed == "Key t"
    given = authorization_credentials(Authorization(credentials_file=str(path)))
    assert await given.header(1) == "Bearer fromfile"
    path.unlink()
    with pytest.raises(NotSent, match="unable to read authorization credentials: unable to read file"):
        await given.header(1)
    await given.aclose()
