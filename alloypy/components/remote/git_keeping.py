"""Keeps the copy of a repository small: bounds it, and removes what nothing refers to any more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from alloypy.components.remote.git_program import Git, GitError
from alloypy.threads import FILE_SECONDS, FILES

MOST_BYTES = 1 << 30
"""Of a copy: what Git keeps, and the files of the revision."""

_LOOK_SECONDS = 0.25
_PRUNE_SECONDS = 30.0
_MOST_LISTED_BYTES = 64 << 20


class TooLarge(GitError):
    """A repository takes more than `MOST_BYTES`. commit: which one, "" if it was not asked for by that."""

    def __init__(self, commit: str) -> None:
        self.commit = commit
        super().__init__(
            f"it takes more than {MOST_BYTES / (1 << 30):g} GiB on the disk, the most that is kept of one: "
            "import from a repository with fewer or smaller files"
        )


async def fetched(directory: Path, fetching: Coroutine[Any, Any, str], commit: str = "") -> None:
    """Wait for a fetch, and end it once the copy in `directory` is too large.

    commit: the one that is asked for, if it is one. Raises TooLarge, GitError.
    """
    task = asyncio.get_running_loop().create_task(fetching)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK_SECONDS))[0]:
            await _check(directory, commit)
        task.result()
        await _check(directory, commit)
    except BaseException:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        with suppress(OSError):
            await FILES.run(lambda: _remove_unfinished(directory), FILE_SECONDS, directory)
        raise


async def check_files(git: Git, directory: Path, commit: str) -> None:
    """Raises TooLarge if the copy is too large with the files of a commit; they have been fetched."""
    text = await git.run("ls-tree", "-r", "-l", "--full-tree", commit, most=_MOST_LISTED_BYTES)
    if len(text) >= _MOST_LISTED_BYTES:
        raise TooLarge(commit)
    await _check(directory, commit, sum(_sizes(text)))


async def prune(git: Git, directory: Path) -> None:
    """Remove what the copy no longer needs, if anything has been fetched since the last time."""
    with suppress(OSError, GitError):  # tried again after the next fetch; the bound holds meanwhile
        if await FILES.run(lambda: _has_grown(directory), FILE_SECONDS, directory):
            await FILES.run(lambda: _remove_unfinished(directory), FILE_SECONDS, directory)
            await git.run("gc", "--quiet", "--force", "--prune=now", seconds=_PRUNE_SECONDS)


async def _check(directory: Path, commit: str, more: int = 0) -> None:
    """Raises TooLarge if what Git keeps, and `more` bytes, are too many."""
    size = 0
    with suppress(OSError):
        size = await FILES.run(lambda: sum(_sizes_below(directory / ".git")), FILE_SECONDS, directory)
    if size + more > MOST_BYTES:
        raise TooLarge(commit)


def _sizes_below(directory: Path) -> Iterator[int]:
    for place, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):  # Git is at work
                yield os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118


def _sizes(listed: str) -> Iterator[int]:
    """The sizes of the files that `git ls-tree -l` lists; a submodule has none."""
    for line in listed.splitlines():
        size = line.partition("\t")[0].rpartition(" ")[2]
        if size.isdigit():
            yield int(size)


def _has_grown(directory: Path) -> bool:
    """Whether there are files besides the one with everything, into which `git gc` packs all objects."""
    names = os.listdir(directory / ".git" / "objects" / "pack")  # noqa: PTH208
    return sum(name.endswith(".pack") for name in names) > 1 or any(name.startswith("tmp_") for name in names)


def _remove_unfinished(directory: Path) -> None:
    """Remove what a git that was killed leaves: parts of files, and marks that others are to be kept."""
    for pattern in ("tmp_*", "*.keep"):
        for place in (directory / ".git" / "objects" / "pack").glob(pattern):
            place.unlink(missing_ok=True)
