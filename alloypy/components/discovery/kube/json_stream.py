"""Reads the objects of the API's answers as they arrive, so that no large answer is held or decoded whole."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

MOST_CHARACTERS = 16 << 20
"""The largest object; the API itself takes at most about 3 MB."""

_LARGE = 1 << 16
_TOO_LARGE = "an object is larger than {} characters"
_TOO_SHORT = "it ends too early"
_TOO_DEEP = "an object is nested too deeply"
_BLANKS = " \t\r\n"
_decode = json.JSONDecoder().raw_decode


class StreamError(ValueError):
    """The answer is not what the API sends; the text says why."""


class _Buffer:
    """What has arrived and is not used yet; decodes values as soon as they are complete."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ended = False
        self._again = 0

    def add(self, data: bytes, *, final: bool = False) -> None:
        """Add bytes; after the final ones, nothing more comes."""
        self._text = self._text[self._at :] + self._decoder.decode(data, final)
        self._at = 0
        self._ended = final
        if len(self._text) > MOST_CHARACTERS:
            raise StreamError(_TOO_LARGE.format(MOST_CHARACTERS))

    def peek(self) -> str:
        """The next character that is not blank; "" if none has arrived."""
        text, at = self._text, self._at
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        self._at = at
        return text[at : at + 1]

    def skip(self) -> None:
        """Leave the character that `peek` returned behind."""
        self._at += 1

    def value(self) -> tuple[Any] | None:
        """The next value, as a tuple of one; None while it is incomplete. Raises StreamError.

        A large one is tried again only when twice as much of it has arrived, so that many pieces cost little
        more than one.
        """
        if not self.peek():
            return None
        left = len(self._text) - self._at
        if left < self._again and not self._ended:
            return None
        try:
            value, end = _decode(self._text, self._at)
        except ValueError:
            if self._ended:
                raise StreamError(_TOO_SHORT) from None
            self._again = 2 * left if left > _LARGE else 0
            return None
        except RecursionError:
            raise StreamError(_TOO_DEEP) from None
        if end == len(self._text) and not self._ended and not isinstance(value, dict | list | str):
            return None  # a number may go on
        self._again = 0
        self._at = end
        return (value,)


class Lines:
    """Reads the events of a watch: one object in each line."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The events that are complete now. Raises StreamError."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole = b"".join((*self._parts, line))
            self._parts.clear()
            self._size = 0
            if whole.strip():
                yield _event(whole)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > MOST_CHARACTERS:
            raise StreamError(_TOO_LARGE.format(MOST_CHARACTERS))


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line.decode(errors="replace"))
    except ValueError:
        raise StreamError("an event is not JSON") from None
    except RecursionError:
        raise StreamError(_TOO_DEEP) from None
    if not isinstance(event, dict):
        raise StreamError("an event is not an object")
    return event


class Items:
    """Reads the answer to a list: its items as they come, and what else it says.

    rest: the members of the list besides `items`.
    """

    def __init__(self) -> None:
        self.rest: dict[str, Any] = {}
        self._buffer = _Buffer()
        self._steps = self._list()
        self._done = False

    def add(self, data: bytes) -> Iterator[Any]:
        """The items that are complete now. Raises StreamError."""
        self._buffer.add(data)
        yield from self._complete()

    def end(self) -> Iterator[Any]:
        """The remaining items after the last byte. Raises StreamError if the list is incomplete."""
        self._buffer.add(b"", final=True)
        yield from self._complete()
        if not self._done:
            raise StreamError(_TOO_SHORT)

    def _complete(self) -> Iterator[Any]:
        if self._done:
            return
        for found in self._steps:
            if found is None:
                return
            yield found[0]
        self._done = True

    def _list(self) -> Iterator[tuple[Any] | None]:
        """The items as tuples of one, and None each time more is needed."""
        yield from self._expect("{")
        while (yield from self._peek()) != "}":
            name = yield from self._value()
            yield from self._expect(":")
            if name == "items" and (yield from self._peek()) == "[":
                yield from self._items()
            else:
                self.rest[name] = yield from self._value()
            if (yield from self._peek()) != "}":
                yield from self._expect(",")

    def _items(self) -> Iterator[tuple[Any] | None]:
        yield from self._expect("[")
        while (yield from self._peek()) != "]":
            yield ((yield from self._value()),)
            if (yield from self._peek()) != "]":
                yield from self._expect(",")
        yield from self._expect("]")

    def _peek(self) -> Any:
        while not (found := self._buffer.peek()):
            yield None
        return found

    def _expect(self, wanted: str) -> Any:
        found = yield from self._peek()
        if found != wanted:
            raise StreamError(f"expected {wanted!r} in the list, found {found!r}")
        self._buffer.skip()

    def _value(self) -> Any:
        while (found := self._buffer.value()) is None:
            yield None
        return found[0]
