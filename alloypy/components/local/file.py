"""local.file: exports the content of a file, and its changes.

Source: docs/spec/RUNTIME.md, sections 2.4-2.6, 9.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from alloypy.families import Family, gauge
from alloypy.files import read_regular
from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.values import OptionalSecret
from alloypy.os_errors import open_fault
from alloypy.rules import faults_of
from alloypy.runtime.contract.component import (
    BuildError,
    Component,
    Options,
    Registration,
    Stability,
    UpdateError,
)
from alloypy.runtime.contract.health import Health, healthy, unhealthy
from alloypy.runtime.contract.watching import DETECTOR, DETECTOR_DOC, FREQUENCY_DOC, Watch
from alloypy.schema.fields import arguments, attribute, export, exports
from alloypy.threads import FILE_SECONDS, FILES


@arguments(rules="local.file")
class Arguments:
    """Arguments of local.file."""

    filename: str = attribute(doc="The file to read.")
    detector: Annotated[str, DETECTOR] = attribute(default="fsnotify", doc=DETECTOR_DOC)
    poll_frequency: Duration = attribute(default=Duration(MINUTE), doc=FREQUENCY_DOC)
    is_secret: bool = attribute(default=False, doc="Whether the content is a secret, which is never shown.")


@exports
class Exports:
    """Exports of local.file."""

    content: OptionalSecret = export(doc="Content of the file.")


class ReadError(Exception):
    """The file cannot be read; the text is Go's, such as `open x: no such file or directory`."""


class Reader:
    """Reads the file that the arguments name, and knows when to read it again.

    exports: from the last successful read. read_at: when that was, in seconds since 1970.
    """

    def __init__(self, arguments: Arguments) -> None:
        self._name = arguments.filename
        self._is_secret = arguments.is_secret
        self.exports = Exports(content=OptionalSecret("", self._is_secret))
        self.read_at = 0.0
        path = Path(arguments.filename)
        self._watch = Watch(lambda: [path], arguments.detector, arguments.poll_frequency)

    async def read(self) -> None:
        """Read the file; bytes that are not UTF-8 are kept. Raises ReadError."""
        try:
            data = await FILES.run(self._read, FILE_SECONDS, self._name)
        except (OSError, ValueError) as error:
            raise ReadError(open_fault(self._name, error)) from None
        text = data.decode("utf-8", "surrogateescape")
        self.exports = Exports(content=OptionalSecret(text, self._is_secret))
        self.read_at = time.time()

    def _read(self) -> bytes:
        self._watch.mark()
        return read_regular(self._name)

    async def changed(self) -> None:
        """Wait until it is time to read again."""
        await self._watch.changed()


class File(Component[Arguments, Exports]):
    """Follows one file; while it cannot be read, its last content stays."""

    def __init__(self, options: Options, arguments: Arguments) -> None:
        _check(arguments, BuildError)
        self._options = options
        self._reader = Reader(arguments)
        self._prepared = self._reader
        self._updated = asyncio.Event()
        self._health: Health | None = None

    async def prepare(self) -> None:
        """Read the file for the first exports. Raises BuildError."""
        try:
            await self._reader.read()
        except ReadError as error:
            self._log(error)
            raise BuildError(f"failed to read file: {error}") from None
        self._taken()
        self._options.metrics().register(self)

    async def run(self) -> None:
        """Follow the file that the current arguments name."""
        while True:
            self._updated.clear()
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow())
                await self._updated.wait()
                following.cancel()

    async def _follow(self) -> None:
        reader = self._reader
        while True:
            await reader.changed()
            try:
                await reader.read()
                self._taken()
            except ReadError as error:
                if reader is self._reader:  # there may have been an update meanwhile
                    self._lost(error)

    def _taken(self) -> None:
        self._health = healthy("read file")
        self._options.set_exports(self._reader.exports)

    def _lost(self, error: ReadError) -> None:
        """Become unhealthy; a file that stays missing is logged once."""
        message = f"failed to read file: {error}"
        if self._health is None or self._health.message != message:
            self._log(error)
            self._health = unhealthy(message)

    def _log(self, error: ReadError) -> None:
        self._options.logger.error("failed to read file", extra={"fields": {"err": str(error)}})

    async def prepare_update(self, arguments: Arguments) -> Exports:
        """Read the file of the new arguments; returns the new exports. Raises UpdateError."""
        _check(arguments, UpdateError)
        reader = Reader(arguments)
        try:
            await reader.read()
        except ReadError as error:
            self._log(error)
            raise UpdateError(f"failed to read file: {error}") from None
        self._prepared = reader
        return reader.exports

    async def update(self, arguments: Arguments) -> None:
        """Follow the file that `prepare_update` has read."""
        self._reader = self._prepared
        self._taken()
        self._updated.set()

    def health(self) -> Health | None:
        """Healthy if the last read succeeded."""
        return self._health

    def collect(self) -> Iterator[Family]:
        """The time of the last read."""
        yield gauge(
            "local_file_timestamp_last_accessed_unix_seconds",
            "The last successful access in unix seconds",
            self._reader.read_at,
        )


def _check(arguments: Arguments, error: type[BuildError | UpdateError]) -> None:
    for fault in faults_of(arguments):
        raise error(fault.message)


registration = Registration("local.file", Stability.GENERALLY_AVAILABLE, Arguments, Exports, File)
