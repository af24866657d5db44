"""import.git: reads the content of a module from a Git repository.

A copy of the repository is kept below the storage path, with the files of the revision, so that modules can
refer to each other by `module_path`. Only what the revision needs is fetched, and only when it has changed.
Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path
from weakref import WeakValueDictionary

from alloypy.components.remote.git_keeping import TooLarge, check_files, fetched, prune
from alloypy.components.remote.git_program import (
    Access,
    Git,
    GitError,
    access,
    check_version,
    passwords_in,
)
from alloypy.files import read_regular
from alloypy.lang.go.text import quote
from alloypy.lang.go.url import redact_url
from alloypy.lang.secrecy import HIDDEN_PART
from alloypy.os_errors import system_words
from alloypy.runtime.blocks.modules import ImportGitArguments
from alloypy.runtime.contract.options import Fetched, FetchError
from alloypy.threads import FILE_SECONDS, FILES

_FETCH_SECONDS = 50.0
_CURRENT = "refs/alloypy/current"
_REFERENCE_NAME = re.compile(r"(?!-|/|.*(\.\.|//|@\{|/\.|\.lock(/|$)|[/.]$))[^\x00-\x20\x7f~^:?*\[\\]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NOTE = "alloypy.json"
_REFUSED = "alloypy.refused"
"""Has the commit that was too large, so that it is not fetched at each pull."""

_locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()


async def read_git(given: ImportGitArguments, directory: Path) -> Fetched:
    """The content, read again from the server. directory: for the copy.

    If the server cannot be asked, it is that of an earlier run or an earlier read, with the reason.
    Raises FetchError.
    """
    lock = _locks.setdefault(directory, asyncio.Lock())
    async with lock:
        try:
            await _update(given, directory)
            trouble = ""
        except GitError as error:
            trouble = f"failed to update repository {quote(_shown(given.repository))}: {error}"
            if not await FILES.run(lambda: _is_noted(given, directory), FILE_SECONDS, directory):
                raise FetchError(trouble.replace("update", "download", 1)) from None
        content = await FILES.run(lambda: _content(directory, given.path), FILE_SECONDS, directory)
        return Fetched(content, trouble)


def _shown(repository: str) -> str:
    if "://" in repository:
        return redact_url(repository)
    for password in passwords_in(repository):
        repository = repository.replace(password, HIDDEN_PART)
    return repository


async def _update(given: ImportGitArguments, directory: Path) -> None:
    """Bring the copy to the newest state of the revision. Raises GitError; FetchError if there is none."""
    try:
        await FILES.run(lambda: directory.mkdir(parents=True, exist_ok=True), FILE_SECONDS, directory)
    except OSError as error:
        raise FetchError(f"mkdir {directory}: {system_words(error)}") from None
    async with access(given, directory.parent) as how:
        git = Git(directory, how)
        try:
            await _pull(git, how, given, directory)
        except TooLarge as refusal:
            commit = refusal.commit
            await FILES.run(lambda: _drop_repository(given, directory, commit), FILE_SECONDS, directory)
            raise
        await FILES.run(lambda: _note(given, directory), FILE_SECONDS, directory)
        await prune(git, directory)


async def _pull(git: Git, how: Access, given: ImportGitArguments, directory: Path) -> None:
    """Fetch and check out. Raises GitError, FetchError."""
    revision = given.revision
    if await FILES.run((directory / ".git" / "HEAD").exists, FILE_SECONDS, directory):
        try:
            await _check_out(git, directory, await _fetched(git, directory, how.url, revision))
            return
        except TooLarge:  # perhaps only together with what was there before
            await FILES.run(lambda: _drop_repository(given, directory, ""), FILE_SECONDS, directory)
        except GitError:
            # If the server answers, it is the copy: a process that was killed can leave it in any state.
            await Git(directory.parent, how).run(
                "ls-remote", "--quiet", "--", how.url, "HEAD", seconds=_FETCH_SECONDS
            )
            await FILES.run(lambda: shutil.rmtree(directory / ".git"), FILE_SECONDS, directory)
    await check_version(git)
    await git.run("init", "--quiet")
    await _check_out(git, directory, await _fetched(git, directory, how.url, revision))
    await git.run("clean", "--quiet", "-ffdx")


async def _fetched(git: Git, directory: Path, url: str, revision: str) -> str:
    """The commit of a revision, fetched: a tag, a branch, or whatever git calls a revision."""
    if _REFERENCE_NAME.fullmatch(revision):
        for reference in (f"refs/tags/{revision}", f"refs/heads/{revision}"):
            commit = await _advertised(git, url, reference)
            if commit:
                return await _fetch_one(git, directory, url, reference, commit)
    if _COMMIT.fullmatch(revision):
        try:
            return await _fetch_one(git, directory, url, revision, revision)
        except TooLarge:
            raise
        except GitError:
            pass  # not every server gives out single commits
    await _fetch_all(git, directory, url)
    for name in (revision, f"refs/remotes/origin/{revision}"):
        try:
            end = "--end-of-options"
            return (await git.run("rev-parse", "--verify", "--quiet", end, f"{name}^{{commit}}")).strip()
        except GitError:
            pass
    raise FetchError(f"invalid revision {quote(revision)}")


async def _advertised(git: Git, url: str, reference: str) -> str:
    """The commit that a reference of the server stands for, or ""."""
    text = await git.run(
        "ls-remote", "--quiet", "--", url, reference, f"{reference}^{{}}", seconds=_FETCH_SECONDS
    )
    found: dict[str, str] = {}
    for line in text.splitlines():
        commit, _, name = line.partition("\t")
        found[name] = commit
    return found.get(f"{reference}^{{}}") or found.get(reference, "")


async def _fetch_one(git: Git, directory: Path, url: str, name: str, commit: str) -> str:
    """Fetch a reference or a commit without its history, unless it is here already, or known as too large."""
    if await FILES.run(lambda: _refused(directory), FILE_SECONDS, directory) == commit:
        raise TooLarge(commit)
    try:
        await git.run("cat-file", "-e", f"{commit}^{{tree}}")
    except GitError:
        flags = ("--quiet", "--force", "--no-tags", "--depth=1")
        fetching = git.run("fetch", *flags, "--", url, f"+{name}:{_CURRENT}", seconds=_FETCH_SECONDS)
        await fetched(directory, fetching, commit)
        commit = (await git.run("rev-parse", "--verify", f"{_CURRENT}^{{commit}}")).strip()
    return commit


async def _fetch_all(git: Git, directory: Path, url: str) -> None:
    """Fetch all branches and tags with their history."""
    shallow = await git.run("rev-parse", "--is-shallow-repository")
    flags = ["--quiet", "--force", "--prune", *(["--unshallow"] if shallow.strip() == "true" else [])]
    names = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    await fetched(directory, git.run("fetch", *flags, "--", url, *names, seconds=_FETCH_SECONDS))


async def _check_out(git: Git, directory: Path, commit: str) -> None:
    """Bring the files to a commit. Raises TooLarge before any is changed; GitError."""
    if await FILES.run(lambda: _head(directory), FILE_SECONDS, directory) != commit:
        await check_files(git, directory, commit)
    await git.run("checkout", "--quiet", "--force", "--detach", commit, "--")


def _noted(given: ImportGitArguments) -> str:
    return json.dumps([_shown(given.repository), given.revision])


def _note(given: ImportGitArguments, directory: Path) -> None:
    (directory / ".git" / _NOTE).write_text(_noted(given))


def _refused(directory: Path) -> str:
    try:
        return (directory / ".git" / _REFUSED).read_text()
    except OSError:
        return ""


def _head(directory: Path) -> str:
    """The commit that is checked out; something else if there is none."""
    try:
        return (directory / ".git" / "HEAD").read_bytes().decode(errors="replace").strip()
    except OSError:
        return ""


def _drop_repository(given: ImportGitArguments, directory: Path, commit: str) -> None:
    """Remove what was fetched, but not the files in use. commit: the one that is too large, if known."""
    is_noted, inner = _is_noted(given, directory), directory / ".git"
    shutil.rmtree(inner)
    inner.mkdir()
    if is_noted:
        _note(given, directory)
    if commit:
        (inner / _REFUSED).write_text(commit)


def _is_noted(given: ImportGitArguments, directory: Path) -> bool:
    """Whether the files in the directory are those of this repository and revision."""
    try:
        return (directory / ".git" / _NOTE).read_text() == _noted(given)
    except OSError:
        return False


def _content(directory: Path, path: str) -> dict[str, bytes]:
    """A file, or the `*.alloy` files of a directory, by name. Raises FetchError."""
    if ".." in path.split("/"):
        raise FetchError(f'stat: invalid path {quote(path)}: cannot use ".."')
    place = directory / path.lstrip("/")
    try:
        _check_inside(directory, place)
        if not place.is_dir():
            return {path: read_regular(str(place))}
        names = sorted(each.name for each in place.iterdir() if each.name.endswith(".alloy"))
        files = {name: place / name for name in names if not (place / name).is_dir()}
        for file in files.values():
            _check_inside(directory, file)
        return {name: read_regular(str(file)) for name, file in files.items()}
    except (OSError, ValueError) as error:
        raise FetchError(f"stat {place}: {system_words(error)}") from None


def _check_inside(directory: Path, place: Path) -> None:
    """A link does not lead out of the repository, nor into its `.git`. Raises FileNotFoundError."""
    real, home = os.path.realpath(place), os.path.realpath(directory)
    inside = real == home or real.startswith(home + os.sep)
    if not inside or (real + os.sep).startswith(os.path.join(home, ".git") + os.sep):  # noqa: PTH118
        raise FileNotFoundError(2, "No such file or directory")
    os.stat(real)  # noqa: PTH116
