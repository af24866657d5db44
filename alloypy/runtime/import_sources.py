"""Where imported content comes from: a file or directory, a text, an HTTP server.

Source: RUNTIME spec section 5.6.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any, Protocol

from alloypy.runtime.blocks.modules import ImportFileArguments, ImportStringArguments
from alloypy.runtime.faults import Raised, call_async
from alloypy.runtime.options import HTTPImport

_NOTICE_PERIOD = 0.25
_SETTLE = 0.03


class SourceError(Exception):
    """Content cannot be had.

    summary: what kind of mishap, for health and log. fields: more for the log. The text is the system's.
    """

    def __init__(self, summary: str, text: str, **fields: str) -> None:
        self.summary = summary
        self.fields = fields
        super().__init__(text)


class ImportSource(Protocol):
    """One place that content comes from.

    prefix: what an error of the first reading is introduced with. good: what the health says of a good one.
    identity: the same for the same place.
    module_path: what the content sees under that name.
    """

    prefix: str
    good: str
    identity: str
    module_path: str

    async def read(self) -> dict[str, bytes]:
        """The content by file name. Raises SourceError."""
        ...

    async def changed(self) -> None:
        """Wait until it is time to read again; for ever when the content cannot change."""
        ...


class FileSource:
    """A file, or the *.alloy files directly inside a directory."""

    prefix = "failed to read file"
    good = "read file"

    def __init__(self, arguments: ImportFileArguments) -> None:
        self._path = arguments.filename
        poll = arguments.detector == "poll"
        self._period = max(arguments.poll_frequency.seconds, _SETTLE) if poll else _NOTICE_PERIOD
        path = Path(self._path)
        self.identity = f"file {os.path.realpath(path)}"
        self.module_path = self._path if path.is_dir() else str(path.parent)
        self._seen: object = None

    async def read(self) -> dict[str, bytes]:
        self._seen = self._look()
        return await asyncio.to_thread(self._read)

    def _read(self) -> dict[str, bytes]:
        path = Path(self._path)
        try:
            path.stat()
            names = {self._path: path} if not path.is_dir() else {each.name: each for each in _files(path)}
        except OSError as error:
            raise SourceError("failed to collect files", f"stat {self._path}: {_reason(error)}") from None
        content = {}
        for name, file in names.items():
            try:
                content[name] = file.read_bytes()
            except OSError as error:
                text = f"open {file}: {_reason(error)}"
                raise SourceError("failed to read file", text, file=str(file)) from None
        return content

    async def changed(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            if self._look() != self._seen:
                await asyncio.sleep(_SETTLE)  # whoever writes may not have finished
                return

    def _look(self) -> object:
        """What tells one version of the file or the directory from another."""
        try:
            path = Path(self._path)
            if not path.is_dir():
                return _signature(path)
            return [(each.name, _signature(each)) for each in _files(path)]
        except OSError as error:
            return error.errno


def _files(directory: Path) -> list[Path]:
    return sorted(each for each in directory.glob("*.alloy") if not each.is_dir())


def _signature(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _reason(error: OSError) -> str:
    """Go's words for a system error."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


class StringSource:
    """A text given in the configuration; it changes only with the block's own evaluation."""

    prefix = ""
    good = "read content"

    def __init__(self, arguments: ImportStringArguments, module_path: str) -> None:
        self._content = arguments.content.reveal().encode("utf-8", "surrogateescape")
        self.identity = f"string {hashlib.sha256(self._content).hexdigest()}"
        self.module_path = module_path

    async def read(self) -> dict[str, bytes]:
        return {"import_string": self._content}

    async def changed(self) -> None:
        await asyncio.Event().wait()


class HTTPSource:
    """An HTTP server, asked again every `poll_frequency`."""

    prefix = "creating http component"
    good = "polled endpoint"

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
        except Raised as error:
            raise SourceError("polling failed", str(error.__cause__) or str(error)) from None
        return {self._name: text.encode("utf-8", "surrogateescape")}

    async def changed(self) -> None:
        await asyncio.sleep(max(self._arguments.poll_frequency.seconds, _SETTLE))
