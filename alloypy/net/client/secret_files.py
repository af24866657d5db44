"""Secrets in files, read again when a file changes.

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
    """The text of a file without surrounding white space, as Prometheus's clients read secrets.

    It follows its file; once there has been a text, there always is one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._text = Followed(self._make, (path,), lambda error: open_fault(path, error), self._tell)

    @property
    def problem(self) -> str:
        """Why an earlier text is still in use, or ""."""
        return self._text.problem and f"unable to read file {self.path}: {self._text.problem}"

    async def read(self, within: float = FILE_SECONDS) -> str:
        """The current text. Raises NotSent with the system's reason; SendTimeout after `within` seconds."""
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
            message = "a secret file cannot be read; its last content stays in use"
            logger.error(message, extra={"fields": {**fields, "err": problem}})
        else:
            logger.info("a secret file can be read again", extra={"fields": fields})


_texts: WeakValueDictionary[str, FileText] = WeakValueDictionary()


def file_text(path: str) -> FileText:
    """The text of the file at `path`: one object for everything that reads it.

    So a client that a reload has replaced passes on what it has read to the new one.
    """
    text = _texts.get(path)
    if text is None:
        text = _texts[path] = FileText(path)
    return text
