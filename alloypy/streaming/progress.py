"""How far a destination has come in one partition, and how that is written into a commit."""

from __future__ import annotations

from collections.abc import Iterable

from alloypy.queueing.spans import Spans

_MOST_TEXT = 3300
"""Brokers keep 4,096 bytes with a commit (`offset.metadata.max.bytes`), and `crashes.py` has some of them."""


class Progress:
    """What is settled of a partition.

    first: the offset before which all is. known: what an earlier consumer has written about those beyond it.
    following: the offset that is read next.
    """

    def __init__(self, first: int, known: str = "") -> None:
        self._first = first
        self._settled = Spans()
        self.following = first
        for begin, end in _spans(known):
            self._settled.add(first + begin, first + end)

    @property
    def first(self) -> int:
        """The offset before which all is settled."""
        self._first = self._settled.missing_from(self._first)
        return self._first

    def settle(self, offsets: Iterable[int]) -> None:
        """What is at these offsets need not be read again."""
        for offset in offsets:
            if offset >= self._first:
                self._settled.add(offset, offset)

    def skip(self, last: int) -> None:
        """There is nothing before `last`, and after what is read next."""
        if last > self.following:
            self._settled.add(self.following, last - 1)
            self.following = last

    def is_settled(self, offset: int) -> bool:
        """Whether it need not be delivered."""
        return offset < self._first or offset in self._settled

    def text(self) -> str:
        """What is settled beyond `first`, for the metadata of a commit: as much of it as they can hold."""
        first, words, length = self.first, [], 0
        for begin, end in self._settled:
            if begin > first:
                word = f"{begin - first}-{end - first}" if end > begin else f"{begin - first}"
                length += len(word) + 1
                if length > _MOST_TEXT:
                    break
                words.append(word)
        return ",".join(words)


def _spans(text: str) -> list[tuple[int, int]]:
    """The spans that a text names; none if another program has written it."""
    found = []
    try:
        for word in text.split(",") if text else ():
            begin, _, end = word.partition("-")
            found.append((int(begin), int(end or begin)))
    except ValueError:
        return []
    return [(begin, end) for begin, end in found if 0 < begin <= end]
