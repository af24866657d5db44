"""Where imported content comes from: a file or directory, a text, an HTTP server, a Git repository.

Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, Protocol

from alloypy.files import read_regular
from alloypy.os_errors import system_words
from alloypy.runtime.blocks.modules import ImportFileArguments, ImportGitArguments, ImportStringArguments
from alloypy.runtime.contract.faults import CallError, call_async
from alloypy.runtime.contract.options import FetchError, HTTPImport, ReadGit
from alloypy.runtime.contract.watching import Watch
from alloypy.syntax.config_files import module_path
from alloypy.threads import FILE_SECONDS, FILES

_SHORTEST_PERIOD_SECONDS = 0.03


class SourceError(Exception):
    """Content could not be read; the text is the system's.

    summary: what failed, for health and log. fields: more for the log. health: the health message.
    """

    def __init__(self, summary: str, text: str, health: str = "", **fields: str) -> None:
        self.summary = summary
        self.fields = fields
        self.health = health or f"{summary}: {text}"
        super().__init__(text)


class ImportSource(Protocol):
    """A place that content comes from.

    prefix: put before the error of the first read. good: health message after a successful read.
    trouble: why the content of the last read may be old.
    notice: logged before each read but the first, or "".
    identity: equal for equal places.
    module_path: the value of `module_path` in the content.
    """

    prefix: str
    good: str
    trouble: SourceError | None
    notice: str
    identity: str
    module_path: str

    async def read(self) -> dict[str, bytes]:
        """The content by file name. Raises SourceError."""
        ...

    async def changed(self) -> None:
        """Wait until it is time to read again; forever when the content cannot change."""
        ...


class FileSource:
    """A file, or the *.alloy files directly inside a directory."""

    prefix = "failed to read file"
    good = "read file"
    trouble: SourceError | None = None
    notice = ""

    def __init__(self, arguments: ImportFileArguments, identity: str, module_path: str) -> None:
        self._path = arguments.filename
        self._watch = Watch(self._look, arguments.detector, arguments.poll_frequency)
        self.identity = identity
        self.module_path = module_path

    @classmethod
    async def at(cls, arguments: ImportFileArguments) -> FileSource:
        """The source that the arguments name. Raises SourceError when the file system does not answer."""
        path = arguments.filename

        def look() -> tuple[str, str]:
            return f"file {_resolved(path)}", module_path(path)

        try:
            return cls(arguments, *await FILES.run(look, FILE_SECONDS, path))
        except OSError as error:
            raise _not_found(path, error) from None

    async def read(self) -> dict[str, bytes]:
        try:
            return await FILES.run(self._read, FILE_SECONDS, self._path)
        except OSError as error:
            raise _not_found(self._path, error) from None

    def _read(self) -> dict[str, bytes]:
        self._watch.mark()
        path = Path(self._path)
        try:
            os.stat(self._path)  # noqa: PTH116 -- Path("") would be the working directory
            names = {self._path: path} if not path.is_dir() else {each.name: each for each in _files(path)}
        except (OSError, ValueError) as error:
            raise _not_found(self._path, error) from None
        content = {}
        for name, file in names.items():
            try:
                content[name] = read_regular(str(file))
            except OSError as error:
                text = f"open {file}: {system_words(error)}"
                raise SourceError("failed to read file", text, file=str(file)) from None
        return content

    async def changed(self) -> None:
        await self._watch.changed()

    def _look(self) -> list[Path]:
        path = Path(self._path)
        return [path, *_files(path)] if path.is_dir() else [path]


def _not_found(path: str, error: OSError | ValueError) -> SourceError:
    return SourceError("failed to collect files", f"stat {path}: {system_words(error)}")


def _resolved(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:
        return path  # it holds a NUL; reading it will report that


def _files(directory: Path) -> list[Path]:
    return sorted(each for each in directory.glob("*.alloy") if not each.is_dir())


class StringSource:
    """A text given in the configuration; it changes only when the block is evaluated again."""

    prefix = ""
    good = "read content"
    trouble: SourceError | None = None
    notice = ""

    def __init__(self, arguments: ImportStringArguments, module_path: str) -> None:
        self._content = arguments.content.reveal().encode("utf-8", "surrogateescape")
        import hashlib

        self.identity = f"string {hashlib.sha256(self._content).hexdigest()}"
        self.module_path = module_path

    async def read(self) -> dict[str, bytes]:
        return {"import_string": self._content}

    async def changed(self) -> None:
        await _never()


class HTTPSource:
    """An HTTP server, polled every `poll_frequency`."""

    prefix = "creating http component"
    good = "polled endpoint"
    trouble: SourceError | None = None
    notice = ""

    def __init__(self, name: str, arguments: Any, reader: HTTPImport, deadline: float) -> None:
        self._name = name
        self._arguments = arguments
        self._reader = reader
        self._deadline = deadline
        self.identity = f"http {arguments.url}"
        self.module_path = arguments.url[: arguments.url.rfind("/") + 1]

    async def read(self) -> dict[str, bytes]:
        try:
            text = await call_async(lambda: self._reader.fetch(self._arguments), self._deadline)
        except CallError as error:
            raise SourceError("polling failed", str(error.__cause__) or str(error)) from None
        return {self._name: text.encode("utf-8", "surrogateescape")}

    async def changed(self) -> None:
        await asyncio.sleep(max(self._arguments.poll_frequency.seconds, _SHORTEST_PERIOD_SECONDS))


class GitSource:
    """A Git repository, pulled every `pull_frequency`."""

    prefix = "updating component"
    good = "module updated"
    notice = "updating repository"

    def __init__(
        self, arguments: ImportGitArguments, read: ReadGit, directory: Path, deadline: float
    ) -> None:
        self._arguments = arguments
        self._read = read
        self._directory = directory
        self._deadline = deadline
        self.trouble: SourceError | None = None
        self.identity = f"git {arguments.repository} {arguments.revision} {arguments.path}"
        self.module_path = str(directory)

    async def read(self) -> dict[str, bytes]:
        try:
            fetched = await call_async(lambda: self._read(self._arguments, self._directory), self._deadline)
        except CallError as error:
            cause = error.__cause__
            raise self._error(str(cause) if isinstance(cause, FetchError) else str(error)) from None
        self.trouble = self._error(fetched.trouble) if fetched.trouble else None
        return dict(fetched.content)

    def _error(self, text: str) -> SourceError:
        frequency = str(self._arguments.pull_frequency)
        return SourceError("failed to update repository", text, text, pullFrequency=frequency)

    async def changed(self) -> None:
        seconds = self._arguments.pull_frequency.seconds
        await (asyncio.sleep(seconds) if seconds > 0 else _never())


async def _never() -> None:
    await asyncio.Event().wait()
