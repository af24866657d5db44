"""Secrets that stand in a file, read again when the file changes.

Source: docs/spec/PYROSCOPE.md, section 4.
"""

from __future__ import annotations

import logging
from weakref import WeakValueDictionary

from alloypy.files import read_regular
from alloypy.net.client.messages import NotSent, SendTimeout
from alloypy.net.followed import Followed, UnusableError
from alloypy.os_errors import open_fault
from alloypy.threads import FILE_SECONDS

logger = logging.getLogger("alloypy.files")


class FileText:
    """The text of a file without surrounding white space, as Prometheus' clients read secrets.

    It follows its file; once there has been a text, one is always there.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._text = Followed(self._make, (path,), lambda error: open_fault(path, error), self._tell)

    @property
    def problem(self) -> str:
        """Why a text from before is in use, or ""."""
        return self._text.problem and f"unable to read file {self.path}: {self._text.problem}"

    async def read(self, within: float = FILE_SECONDS) -> str:
        """The present text, had within so many seconds.

        Raises NotSent with the operating system's reason, and SendTimeout.
        """
        try:
            return await self._text.get(within)
        except UnusableError as reason:
            raise NotSent(f"unable to read file {self.path}: {reason}") from None
        except TimeoutError:
            raise SendTimeout from None

    def _make(self) -> str:
        return read_regular(self.path).decode(errors="surrogateescape").strip()

    def _tell(self, problem: str) -> None:
        fields = {"file": self.path}
        if problem:
            message = "a secret file cannot be read; what it last held stays in use"
            logger.error(message, extra={"fields": {**fields, "err": problem}})
        else:
            logger.info("a secret file can be read again", extra={"fields": fields})


_texts: WeakValueDictionary[str, FileText] = WeakValueDictionary()


def file_text(path: str) -> FileText:
    """The text of the file at `path`: the same for all who read there.

    A client that a reload has made anew goes on with what the one before it has read.
    """
    text = _texts.get(path)
    if text is None:
        text = _texts[path] = FileText(path)
    return text
