"""Finds and reads the files of discovery.file. Everything here runs in a thread.

Source: the behaviour recorded in tests/golden/components/discovery.file.jsonl.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from alloypy.components.discovery.shell import Group
from alloypy.components.discovery.target_groups import GroupsError, read_json
from alloypy.components.paths.glob import glob, has_meta, is_valid
from alloypy.files import FileFingerprint, fingerprint, is_directory, read_regular
from alloypy.os_errors import errno_words, open_fault

_MOST_JSON_BYTES = 10 << 20
_MOST_YAML_BYTES = 4 << 20
_READERS = {".json": "json", ".yml": "yaml", ".yaml": "yaml"}


class Content(NamedTuple):
    """A file as last read.

    state: its fingerprint before it was read; None if it has none. digest: of its bytes.
    groups: what is in it; None if it could not be read, and then `fault` says why.
    """

    state: FileFingerprint | None
    digest: bytes
    groups: Sequence[Group] | None
    fault: str = ""


class Scan(NamedTuple):
    """What was found. Frozen.

    files: by path, in the order of the patterns. patterns: those that are malformed.
    absent: directories of patterns that do not exist, with the reason. skipped: files that a pattern with
        wildcards matches, but whose names do not say what they contain.
    seen: the state of each directory in which patterns look, and of each file, taken before it was read.
    """

    files: Mapping[str, Content]
    patterns: Sequence[str] = ()
    absent: Mapping[str, str] = {}
    skipped: Sequence[str] = ()
    seen: Mapping[str, object] = {}

    @property
    def is_settled(self) -> bool:
        """Whether a later change would show in the state of a file or a directory."""
        return all(each.is_settled for each in self.seen.values() if isinstance(each, FileFingerprint))

    def now(self) -> Mapping[str, object]:
        """The present state of all that was looked at; it differs from `seen` when another scan is due."""
        return {path: _state_of(path) for path in self.seen}


NOTHING = Scan({})


def scan(patterns: Sequence[str], known: Scan, *, whole: bool) -> Scan:
    """Find the files of all patterns and read those that have changed, or all if `whole`.

    known: the scan before.
    """
    malformed = [pattern for pattern in patterns if not is_valid(pattern)]
    usable = [pattern for pattern in patterns if pattern not in malformed]
    seen = {path: _state_of(path) for pattern in usable for path in _directories(pattern)}
    absent = {path: errno_words(state) for path, state in seen.items() if isinstance(state, int)}
    files: dict[str, Content] = {}
    skipped: list[str] = []
    for pattern in usable:
        for path in glob(pattern):
            if path in files:
                continue
            if has_meta(pattern) and _extension(path) not in _READERS:
                skipped.append(path)
            else:
                seen[path] = _state_of(path)
                files[path] = _content(path, None if whole else known.files.get(path))
    return Scan(files, malformed, absent, skipped, seen)


def _extension(path: str) -> str:
    return posixpath.splitext("x" + posixpath.basename(path))[1].lower()


def _directories(pattern: str) -> Iterator[str]:
    """The directories whose entries a pattern can match, with a slash; all above it if it has wildcards."""
    directory = pattern[: pattern.rfind("/") + 1]
    if has_meta(directory):
        above = directory.rstrip("/")
        yield from _directories(above)
        yield from (f"{path}/" for path in glob(above) if is_directory(path))
    else:
        yield directory or "./"


def _state_of(path: str) -> FileFingerprint | int:
    """The fingerprint of a file or a directory, or why it has none."""
    try:
        return fingerprint(path)
    except OSError as error:
        return error.errno or errno.EIO
    except ValueError:
        return errno.EINVAL


def _content(path: str, known: Content | None) -> Content:
    """The content of a file; the known one if the file is the same."""
    kind = _READERS.get(_extension(path))
    if kind is None:
        extension = posixpath.splitext("x" + posixpath.basename(path))[1]
        return _faulty(f'unhandled file extension "{extension}", expected .json, .yml or .yaml')
    try:
        state = fingerprint(path)
        if known is not None and known.state == state and state.is_settled:
            return known
        limit = _MOST_JSON_BYTES if kind == "json" else _MOST_YAML_BYTES
        if state.size > limit:
            return _faulty(f"larger than {limit >> 20} MiB: divide it into several files", state)
        data = read_regular(path)
    except (OSError, ValueError) as error:
        return _faulty(open_fault(path, error))
    digest = blake2b(data, digest_size=16).digest()
    if known is not None and known.digest == digest:
        return known._replace(state=state)
    try:
        return Content(state, digest, _groups(kind, data, path))
    except GroupsError as error:
        return _faulty(str(error), state, digest)


def _faulty(fault: str, state: FileFingerprint | None = None, digest: bytes = b"") -> Content:
    return Content(state, digest, None, fault)


def _groups(kind: str, data: bytes, path: str) -> Sequence[Group]:
    if kind == "json":
        read = read_json
    else:
        from alloypy.components.discovery.target_groups_yaml import read_yaml as read
    return [
        Group(
            f"{path}:{number}",
            [{"__address__": address} for address in group.addresses],
            {**group.labels, "__meta_filepath": path},
        )
        for number, group in enumerate(read(data))
    ]
