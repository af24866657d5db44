"""The configuration of the process: reads its path, loads it into the controller, remembers the result.

Source: docs/spec/RUNTIME.md, sections 1.1 (start-up failures) and 3 (reload).
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from alloypy.files import NotRegular, read_once
from alloypy.graph.unset_variables import unset_variables
from alloypy.lang.go.text import quote
from alloypy.os_errors import open_fault
from alloypy.runtime.contract.faults import not_loaded
from alloypy.runtime.controller import Controller
from alloypy.runtime.pace import computed
from alloypy.services.metrics import ConfigMetrics
from alloypy.syntax.config_files import ConfigReadError, is_directory, module_path, parse_config, read_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.render import SHOWN
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File
from alloypy.threads import FILE_SECONDS, FILES, read_regular

_MOST_UNSET = 100

logger = logging.getLogger("alloypy")


class LoadError(Exception):
    """A load was refused; nothing that runs has changed. The text is the answer of `/-/reload`.

    diagnostics: what is wrong in the files; empty when they could not be read at all.
    """

    def __init__(self, text: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        self.diagnostics = diagnostics
        super().__init__(text)


class Configuration:
    """The configuration at one path, file or directory.

    path: as given. files: those of the last successful load. loaded_at: when that was, in Unix seconds.
    refusal: why the last load was refused, and when; None if it was not.
    """

    def __init__(
        self,
        path: str,
        controller: Controller,
        metrics: ConfigMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._controller = controller
        self._metrics = metrics
        self._clock = clock
        self.files: tuple[File, ...] = ()
        self.loaded_at = 0.0
        self.refusal: tuple[float, LoadError] | None = None

    async def load(self) -> None:
        """Read the path and run what it configures, completely or not at all. Raises LoadError."""
        try:
            files = await self._load_with_all_modules()
        except LoadError as error:
            self._metrics.failed()
            self.refusal = self._clock(), error
            raise
        self.files, self.loaded_at, self.refusal = files, self._clock(), None
        self._metrics.succeeded([file.source.data for file in files], self.loaded_at)
        self._warn_of_emptiness()
        await self._warn_of_unset_variables()

    async def _load_with_all_modules(self) -> tuple[File, ...]:
        try:
            return await self._load()
        except ImportError as error:
            raise LoadError(not_loaded(error)) from error

    async def present(self) -> list[Source]:
        """The files as they are now at the path. Raises LoadError, also for a pipe."""
        try:
            return await FILES.run(self._read_again, FILE_SECONDS, self.path)
        except (ConfigReadError, OSError) as error:
            text = str(error) if isinstance(error, ConfigReadError) else open_fault(self.path, error)
            raise LoadError(f"{self._reading()}: {text}") from None

    def _read_again(self) -> list[Source]:
        return read_config(self.path, read_regular)

    def _reading(self) -> str:
        return f"reading config path {quote(self.path)}"

    def _warn_of_emptiness(self) -> None:
        """Warn when there is nothing to run, which Alloy does not; most often the path is wrong."""
        fields = {"path": self.path}
        if not self.files:
            logger.warning("there are no *.alloy files: nothing is received", extra={"fields": fields})
        elif not self._controller.components():
            message = "the configuration has no components: nothing is received"
            logger.warning(message, extra={"fields": fields})

    async def _warn_of_unset_variables(self) -> None:
        """Warn of unset environment variables that no other message reports."""
        bodies = [(file.body, file.source) for file in self.files]
        allow_recursion()
        try:
            found = await computed(
                lambda: list(islice(unset_variables(bodies, os.environ), _MOST_UNSET)),
                _size(file.source for file in self.files),
            )
        except TimeoutError:
            return
        for each in found:
            fields = {"variable": each.variable, "setting": each.setting, "at": str(each.span)}
            logger.warning("environment variable is not set", extra={"fields": fields})

    async def _load(self) -> tuple[File, ...]:
        reading = self._reading()
        try:
            sources, at = await FILES.run(self._read, FILE_SECONDS, self.path)
            files = await computed(lambda: parse_config(sources), _size(sources))
        except ConfigReadError as error:
            raise LoadError(f"{reading}: {error}") from None
        except OSError as error:  # no answer in time, or no thread available
            raise LoadError(f"{reading}: {open_fault(self.path, error)}") from None
        except DiagnosticsError as error:
            raise await _refused(reading, error) from None
        try:
            await self._controller.load(files, at)
        except DiagnosticsError as error:
            raise await _refused("error during the initial load", error) from None
        return tuple(files)

    def _read(self) -> tuple[list[Source], str]:
        """The files at the path, and the directory it is in; runs in a thread. Raises ConfigReadError."""
        return read_config(self.path, self._content), module_path(self.path)

    def _content(self, path: str) -> bytes:
        """A file's content, or a pipe's until its end; an empty pipe is accepted by the first load only."""
        data = read_once(path, FILE_SECONDS)
        if not data and self._controller.ready and not Path(path).is_file():
            raise NotRegular(errno.ENODATA, "a pipe gives its content only once", path)
        return data


async def check_present(path: str) -> None:
    """Raise LoadError, as a load would, for a path that does not exist."""
    try:
        await FILES.run(lambda: is_directory(path), FILE_SECONDS, path)
    except ConfigReadError as error:
        raise LoadError(f"reading config path {quote(path)}: {error}") from None
    except OSError as error:
        raise LoadError(f"reading config path {quote(path)}: {open_fault(path, error)}") from None


def _size(sources: Iterable[Source]) -> int:
    return sum(len(source.data) for source in sources)


async def _refused(when: str, error: DiagnosticsError) -> LoadError:
    """The error for some diagnostics, the first if there are many, without secrets in texts and lines."""
    from alloypy.check.masking import MASK

    first, rest = error.diagnostics[: SHOWN - 1], error.diagnostics[SHOWN - 1 :]
    if len(rest) == 1:
        first, rest = error.diagnostics, ()
    about = {each.span.source for each in first if each.span is not None}
    shown = await computed(lambda: tuple(map(MASK.masked, first)), _size(about))
    text = f"{when}: {DiagnosticsError([*shown, *rest])}"
    if rest:
        shown = (*shown, Diagnostic(None, f"there are {len(rest)} more", rest[0].code))
    return LoadError(text, shown)
