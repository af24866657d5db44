"""One partition that a destination reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from aiokafka.structs import TopicPartition

from alloypy.streaming.crashes import Crashes
from alloypy.streaming.parts import Assembly, Rereading
from alloypy.streaming.progress import Progress


class Partition:
    """A partition. name: its topic and number. progress: what is settled of it.

    crashes: which records may have ended a process. is_ours: until another consumer of its group gets it.
    end: the offset after the last message, as far as known. committed: what the group's commit says.
    notes: how often what it has to say of tries has changed. noted: `notes` when it last did.
    again: the offsets of records to be read again, which were let go while parts were missing.
    rereading: the one that is being read. goes_on: whether that has ended, and reading goes on where it was.
    """

    def __init__(self, name: TopicPartition, progress: Progress, crashes: Crashes | None = None) -> None:
        self.name = name
        self.progress = progress
        self.crashes = crashes or Crashes()
        self.assembly = Assembly()
        self.is_ours = True
        self.end = progress.following
        self.end_at_start: int | None = None
        self.committed: tuple[int, str] = (-1, "")
        self.notes = 0
        self.noted = -1
        self.again: deque[Sequence[int]] = deque()
        self.rereading: Rereading | None = None
        self.goes_on = False

    @classmethod
    def of_commit(cls, name: TopicPartition, offset: int, text: str, most: int) -> Partition:
        """A partition as a commit says. most: records that whoever had it may have been trying."""
        spans, _, crashes = text.partition(";")
        partition = cls(name, Progress(offset, spans), Crashes(crashes, most))
        partition.committed = offset, text
        return partition

    @property
    def lag(self) -> int:
        """Messages that are not settled, at most."""
        return max(0, self.end - self.progress.first)

    def state(self, *, is_open: bool) -> tuple[int, str]:
        """What to commit: the offset before which all is settled, and what is known of the rest."""
        first = self.progress.first
        crashes = self.crashes.text(first, is_open=is_open)
        return first, f"{self.progress.text()};{crashes}" if crashes else self.progress.text()

    @property
    def is_noted(self) -> bool:
        """Whether the group's commit says that the partition is open, and what is tried alone."""
        return self.noted == self.notes

    def read_until(self, end: int) -> None:
        """Messages are about to be taken, and there are some until `end`."""
        self.end = end
        if self.end_at_start is None:
            self.end_at_start = end

    def crashes_at(self, offset: int) -> int:
        """How often a process ended that may have tried a record just read. offset: of its last message."""
        if not self.crashes.are_known:
            return 0
        self.crashes.saw(offset, self.end if self.end_at_start is None else self.end_at_start)
        return self.crashes.ends(offset).all

    def stop_rereading(self) -> None:
        """Its place in the partition is lost: the record has to be read again from its beginning."""
        if self.rereading is not None:
            self.again.appendleft(self.rereading.offsets)
            self.rereading = None
        self.goes_on = False
