"""From paths to the files they mean.

A file named directly is always taken. For a directory, every file below it whose name ends as wanted is
taken, including hidden ones, except in directories of tools (LEFT_OUT), and except what git ignores or the
user excludes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from alloypy.check.units.ignore_rules import IgnoreRules
from alloypy.files import is_directory, read_regular

SUFFIX = ".alloy"

LEFT_OUT = (
    *(".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox"),
    *(".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode"),
    *("__pypackages__", "_build", "buck-out", "dist", "node_modules", "site-packages", "venv"),
)
"""Directories that are skipped unless they are named, or included with a `!` pattern: the same as ruff's."""

_LEFT_OUT = IgnoreRules([f"{name}/" for name in LEFT_OUT])


class _Scope(NamedTuple):
    """Rules, and the prefix that turns the names in a directory into the paths that they match."""

    prefix: str
    rules: IgnoreRules

    def inside(self, name: str) -> _Scope:
        return _Scope(f"{self.prefix}{name}/", self.rules)


class _Directory(NamedTuple):
    """A directory to list; of its scopes, the last one that matches an entry decides."""

    path: str
    scopes: list[_Scope]
    exclude: _Scope


class Discovery:
    """Finds files. exclude: patterns as in `.gitignore`, relative to the working directory.

    force_exclude: skip excluded files even if they are named directly. suffixes: endings of the files wanted.
    After a call of `files`, unreadable has the directories that could not be listed, and why; empty has
    the named directories without files.
    """

    def __init__(
        self,
        exclude: Sequence[str] = (),
        *,
        force_exclude: bool = False,
        suffixes: tuple[str, ...] = (SUFFIX,),
    ) -> None:
        self.unreadable: list[tuple[str, OSError]] = []
        self.empty: list[str] = []
        self._exclude = IgnoreRules(exclude)
        self._force_exclude = force_exclude
        self._suffixes = suffixes

    def files(self, paths: Sequence[str]) -> list[str]:
        """The files that `paths` mean, each once, those of a directory sorted by name."""
        found: dict[str, str] = {}
        for path in paths:
            if self._force_exclude and path and self.is_excluded(path):
                continue
            names = self._in_directory(path) if is_directory(path) else [path]
            for name in names:
                real = os.path.realpath(name) if name else name
                if real not in found or os.path.islink(found[real]):  # noqa: PTH114 -- see is_directory
                    found[real] = name
        return list(found.values())

    def _in_directory(self, path: str) -> list[str]:
        faults = len(self.unreadable)
        names = list(self._below(path))
        if not names and len(self.unreadable) == faults:
            self.empty.append(path)
        return names

    def is_excluded(self, path: str) -> bool:
        """Whether `path`, or a directory above it, is excluded."""
        names = _relative(path).split("/")
        return any(
            self._exclude.verdict("/".join(names[:count]), directory=count < len(names))
            for count in range(1, len(names) + 1)
        )

    def _below(self, start: str) -> Iterator[str]:
        relative = _relative(start)
        exclude = _Scope("" if relative == "." else f"{relative}/", self._exclude)
        scopes = [_Scope("", _LEFT_OUT), *_scopes_above(Path(os.path.realpath(start)))]
        waiting = [_Directory(start, scopes, exclude)]
        while waiting:
            current = waiting.pop()
            try:
                with os.scandir(current.path) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self.unreadable.append((current.path, error))
                continue
            own = _read_rules(Path(current.path, ".gitignore"))
            scopes = [*current.scopes, _Scope("", own)] if own else current.scopes
            inner: list[_Directory] = []
            for entry in entries:
                directory = entry.is_dir(follow_symlinks=False)
                if not directory and not _may_be_a_file(entry, self._suffixes):
                    continue
                if _is_ignored(entry.name, [*scopes, current.exclude], directory=directory):
                    continue
                path = entry.name if current.path == "." else entry.path
                if directory:
                    outer = [scope.inside(entry.name) for scope in scopes]
                    inner.append(_Directory(path, outer, current.exclude.inside(entry.name)))
                else:
                    yield path
            waiting += reversed(inner)


def _relative(path: str) -> str:
    return os.path.relpath(path).replace(os.sep, "/")


def _is_ignored(name: str, scopes: list[_Scope], *, directory: bool) -> bool:
    for scope in reversed(scopes):
        verdict = scope.rules.verdict(scope.prefix + name, directory=directory)
        if verdict is not None:
            return verdict
    return False


def _may_be_a_file(entry: os.DirEntry[str], suffixes: tuple[str, ...]) -> bool:
    """Whether the entry is a file that is wanted. A broken link counts, so that it gets reported."""
    if not entry.name.endswith(suffixes):
        return False
    try:
        return S_ISREG(entry.stat().st_mode)
    except OSError:
        return True


def _scopes_above(directory: Path) -> list[_Scope]:
    """The rules above `directory`, if it is in a git repository; those of its root come first."""
    parents = [directory, *directory.parents]
    root = next((at for at, parent in enumerate(parents) if _exists(parent / ".git")), None)
    if root is None:
        return []
    lists = [(parents[root], parents[root] / ".git" / "info" / "exclude")]
    lists += [(parent, parent / ".gitignore") for parent in reversed(parents[1 : root + 1])]
    scopes: list[_Scope] = []
    for base, path in lists:
        rules = _read_rules(path)
        if rules:
            relative = directory.relative_to(base).as_posix()
            scopes.append(_Scope("" if relative == "." else f"{relative}/", rules))
    return scopes


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 -- Path's raises if that is not permitted


def _read_rules(path: Path) -> IgnoreRules:
    try:
        text = read_regular(str(path)).decode("utf-8", "surrogateescape")
    except OSError:
        return IgnoreRules(())
    return IgnoreRules(text.split("\n"))
