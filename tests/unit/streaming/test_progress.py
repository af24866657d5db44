"""What is settled of a partition, and what a commit says of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alloypy.streaming.progress import Progress


@given(settled=st.sets(st.integers(100, 160)), first=st.integers(90, 100))
def test_another_consumer_knows_what_is_settled_from_the_commit(settled: set[int], first: int) -> None:
    before = Progress(first)
    before.settle(settled)
    after = Progress(before.first, before.text())
    for offset in range(first, 170):
        assert after.is_settled(offset) == (offset < before.first or offset in settled)
    assert before.first == next(each for each in range(first, 170) if each not in settled)


def test_a_commit_has_a_bound_and_says_the_earliest() -> None:
    progress = Progress(0)
    progress.settle(range(1, 100_000, 2))
    assert len(progress.text()) <= 4096
    after = Progress(progress.first, progress.text())
    assert progress.first == 0
    assert after.is_settled(1)
    assert not after.is_settled(99_999)


def test_what_another_program_has_written_into_a_commit_is_ignored() -> None:
    for text in ("consumer-7", "5-3", "-1-4", "1,x", "0-9"):
        assert not Progress(10, text).is_settled(11)


def test_what_was_deleted_counts_as_settled() -> None:
    progress = Progress(5)
    progress.skip(8)
    assert (progress.first, progress.following) == (8, 8)
    progress.skip(3)
    assert progress.following == 8
