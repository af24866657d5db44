"""Replacing the content of a file atomically."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from stat import S_IMODE, S_ISREG

# Errors where a file may be writable but not replaceable: no new files in the directory, a mount point.
_NOT_REPLACEABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)


class NotRegularError(Exception):
    """The path names something that has no content to replace, such as a pipe."""


def rewrite(path: str, data: bytes) -> None:
    """Make `data` the content of the existing file `path`, which keeps its mode and owner.

    A link stays a link: the file it leads to is rewritten. The new content is written to a file beside
    the old one, which it replaces by a rename; if that is not possible, the file is overwritten in place.
    Raises OSError, and NotRegularError.
    """
    status = Path(path).stat()
    if not S_ISREG(status.st_mode):
        raise NotRegularError(path)
    target = Path(os.path.realpath(path))
    with target.open("r+b"):
        pass  # raises for a file that is not writable, even if the directory would let us replace it
    try:
        _replace(target, data, status)
    except OSError as error:
        if error.errno not in _NOT_REPLACEABLE:
            raise
        with target.open("r+b") as file:
            file.write(data)
            file.truncate()


def _replace(target: Path, data: bytes, status: os.stat_result) -> None:
    temporary = target.with_name(f".{target.name[:64]}.{os.getpid()}.alloypy")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _keep_owner_and_mode(temporary, status)
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def _keep_owner_and_mode(temporary: Path, status: os.stat_result) -> None:
    if hasattr(os, "chown"):
        own = temporary.stat()
        if (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
            os.chown(temporary, status.st_uid, status.st_gid)  # EPERM for others' files: overwritten in place
    temporary.chmod(S_IMODE(status.st_mode))
