"""A viewer of live profiles: reads server-sent events, and Alloy's streams, from a running process."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

LIVE = "/api/v0/alloypy/live"
_PATIENCE = 60.0


class Viewing:
    """An open stream. rows: all that have come. counts: `seen`, `shown` and `missed` of the last message."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self.rows: list[dict[str, Any]] = []
        self.counts: dict[str, Any] = {}
        self.off = False

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self._answer.getheaders()}

    def message(self) -> bool:
        """Read one; whether there was one before the end."""
        for raw in iter(self._answer.readline, b""):
            if raw.startswith(b"event: off"):
                self.off = True
            if raw.startswith(b"data: {"):
                message = json.loads(raw[6:])
                self.rows += message.pop("rows")
                self.counts = message
                return True
        return False

    def until(self, enough: Callable[[list[dict[str, Any]]], object]) -> list[dict[str, Any]]:
        """Read until the rows are enough; returns them."""
        deadline = time.monotonic() + _PATIENCE
        while not enough(self.rows):
            assert time.monotonic() < deadline, self.rows
            assert self.message(), f"the stream has ended: {self.rows}"
        return self.rows

    def item(self) -> str:
        """The next item of one of Alloy's streams."""
        read = b""
        while not read.endswith(b"|;|"):
            byte = self._answer.read(1)
            assert byte, read
            read += byte
        return read.removesuffix(b"|;|").decode()

    def ended(self) -> bool:
        """Read to the end."""
        while self.message():
            pass
        return True


@contextmanager
def viewing(address: str, path: str = LIVE, **parameters: str) -> Iterator[Viewing]:
    """A stream that is open while the block lasts; of live profiles, the first message has been read."""
    connection = http.client.HTTPConnection(address, timeout=_PATIENCE)
    query = f"?{urlencode(parameters)}" if parameters else ""
    connection.request("GET", f"{path}{query}")
    answer = connection.getresponse()
    try:
        assert answer.status == 200, answer.read()
        stream = Viewing(answer)
        if path == LIVE:
            assert stream.message()
        yield stream
    finally:
        answer.close()
        connection.close()
