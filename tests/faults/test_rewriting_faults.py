"""Rewriting a file when the file system fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from alloypy.cli.files import rewriting
from alloypy.cli.files.rewriting import NotRegularError, rewrite

OLD, NEW = b"the old content, longer\n", b"the new content\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.alloy"
    path.write_bytes(OLD)
    path.chmod(0o604)
    return path


def failing(code: int) -> object:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    return fail


def test_the_new_content_takes_the_name_in_one_step(file: Path) -> None:
    with file.open("rb") as reader:
        rewrite(str(file), NEW)
        assert reader.read() == OLD
    assert file.read_bytes() == NEW
    assert file.stat().st_mode & 0o777 == 0o604


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_no_new_files_in_the_directory(file: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", failing(code))
    inode = file.stat().st_ino
    rewrite(str(file), NEW)
    assert file.read_bytes() == NEW
    assert file.stat().st_ino == inode


def test_a_mount_point(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", failing(errno.EBUSY))
    rewrite(str(file), NEW)
    assert file.read_bytes() == NEW
    assert [path.name for path in file.parent.iterdir()] == ["config.alloy"]


def test_a_file_of_somebody_else(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "chown", failing(errno.EPERM))
    status = os.stat_result([0o100604, 1, 1, 1, os.geteuid() + 1, os.getegid(), 0, 0, 0, 0])
    with pytest.raises(PermissionError):
        rewriting._replace(file, NEW, status)
    assert file.read_bytes() == OLD
    assert [path.name for path in file.parent.iterdir()] == ["config.alloy"]


def test_a_full_disk_harms_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        rewrite(str(file), NEW)
    assert file.read_bytes() == OLD
    assert [path.name for path in file.parent.iterdir()] == ["config.alloy"]


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegularError):
        rewrite(str(tmp_path / "pipe"), NEW)
    with pytest.raises(FileNotFoundError):
        rewrite(str(tmp_path / "nothing"), NEW)
