"""Which records of a partition were being tried when a process ended, as far as commits say.

A usual try is not noted: that would be a commit for each. Instead, a process that begins with a partition
commits that it is open, before the first try, and on leaving that it is not. The next process that finds it
open knows that another one has ended, and that what it was trying is among the first records that are not
settled. What was among them at two ends is suspected and tried alone; only such a try is committed before it
begins.

As text, words are separated by semicolons: `open=PROCESS`; `once=OFFSET` and `twice=OFFSET`, below which all
that is not settled was among them at one end and at two, `*` for all that there is; `alone=OFFSET:ENDS,...`
with the ends of the process while it was trying that record alone.
"""

from __future__ import annotations

from secrets import token_hex

from alloypy.queueing.tries import NO_ENDS, Ends

_PROCESS = token_hex(4)
_ALL = 1 << 62
_MOST_ALONE = 16
"""Of more records that were tried alone, nothing is noted: the text has a bound."""


class Crashes:
    """What is known of one partition. A record is named by the offset of its last message.

    text: what a commit says. most: records that whoever had the partition may have been trying.
    are_known: whether a process has ended that had it.
    """

    def __init__(self, text: str = "", most: int = 0) -> None:
        self._once = 0
        self._twice = 0
        self._alone: dict[int, int] = {}
        self._trying: int | None = None
        self._innocent: set[int] = set()
        self._left = 0
        self._seen = 0
        opened_by = self._read(text)
        if opened_by and opened_by != _PROCESS:
            self._twice, self._once = max(self._once, self._twice), _ALL
        if _ALL in (self._once, self._twice):
            self._left = most
        self.are_known = bool(self._once or self._twice or self._alone)

    def _read(self, text: str) -> str:
        """Take what a text says, unless it is another program's; returns which process has it open, or ""."""
        words = dict(word.partition("=")[::2] for word in text.split(";"))
        try:
            once, twice = _offset(words.get("once", "0")), _offset(words.get("twice", "0"))
            pairs = [each.split(":") for each in words["alone"].split(",")] if "alone" in words else []
            self._alone = {int(offset): int(ends) for offset, ends in pairs}
        except ValueError:
            return ""
        self._once, self._twice = once, twice
        return words.get("open", "")

    def saw(self, offset: int, end: int) -> None:
        """A record has been read. end: of the partition, when it was begun with."""
        if self._left:
            if offset < end:
                self._seen = max(self._seen, offset + 1)
            self._left = self._left - 1 if offset + 1 < end else 0
            if not self._left:
                self._once, self._twice = min(self._once, self._seen), min(self._twice, self._seen)

    def ends(self, offset: int) -> Ends:
        """How often the process has ended while the record may have been tried, and it is not innocent."""
        if offset in self._innocent:
            return NO_ENDS
        alone = self._alone.get(offset, 0)
        return Ends(max(alone, (offset < self._once) + (offset < self._twice)), alone)

    def tried_alone(self, offset: int) -> None:
        """A try begins, once this is committed."""
        self._trying = offset

    def survived(self, offset: int) -> bool:
        """A try has not ended the process; returns whether a commit says otherwise."""
        if self.ends(offset).all:
            self._innocent.add(offset)
        return self.over(offset)

    def over(self, offset: int) -> bool:
        """The record is settled; returns whether a commit names it."""
        return self.stopped(offset) | (self._alone.pop(offset, 0) > 0)

    def stopped(self, offset: int) -> bool:
        """A try has not been made, or not to its end; returns whether a commit names it."""
        was_tried = self._trying == offset
        if was_tried:
            self._trying = None
        return was_tried

    def text(self, first: int, *, is_open: bool) -> str:
        """What to commit. first: the offset before which all is settled."""
        words = [f"open={_PROCESS}"] if is_open else []
        for name, limit in (("once", self._once), ("twice", self._twice)):
            if limit > first:
                words.append(f"{name}={'*' if limit == _ALL else limit}")
        alone = dict(self._alone)
        if self._trying is not None:
            alone[self._trying] = alone.get(self._trying, 0) + 1
        if alone:
            pairs = [f"{offset}:{ends}" for offset, ends in [*alone.items()][-_MOST_ALONE:]]
            words.append(f"alone={','.join(pairs)}")
        return ";".join(words)


def _offset(text: str) -> int:
    return _ALL if text == "*" else int(text)
