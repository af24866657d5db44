"""Records as messages, in parts if they are large, and back."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloypy.streaming.parts import (
    PATIENCE_SECONDS,
    Assembly,
    Content,
    Foreign,
    LetGo,
    Message,
    Remnant,
    Rereading,
    messages,
)

BODY = [b"one", memoryview(b"two" * 100), b""]


def whole(content: Content | LetGo | None) -> tuple[int, bytes, bytes]:
    assert isinstance(content, Content)
    return content.received_at, content.meta, bytes(content.body)


def parts(body: list[bytes | memoryview], most: int, meta: bytes = b"meta", at: int = 7) -> list[Message]:
    return list(messages(at, meta, body, most))


@given(
    pieces=st.lists(st.binary(max_size=300), max_size=5),
    meta=st.binary(max_size=50),
    most=st.integers(1, 500),
)
def test_a_record_comes_back_whatever_the_size_of_messages(
    pieces: list[bytes], meta: bytes, most: int
) -> None:
    sent = parts([*pieces], most, meta)
    assert all(len(each.value) <= most for each in sent)
    assembly = Assembly()
    found = [assembly.add(at, each.value, each.headers, 0.0) for at, each in enumerate(sent)]
    assert found[:-1] == [None] * (len(sent) - 1)
    assert whole(found[-1]) == (7, meta, b"".join(pieces))
    last = found[-1]
    assert last is not None
    assert list(last.offsets) == list(range(len(sent)))
    assert assembly.held == 0


def test_parts_of_several_senders_may_alternate() -> None:
    one, two = parts([b"a" * 100], 50), parts([b"b" * 100], 50)
    assembly = Assembly()
    found = []
    for at, message in enumerate(each for pair in zip(one, two, strict=True) for each in pair):
        found.append(assembly.add(at, message.value, message.headers, 0.0))
    done = [each for each in found if isinstance(each, Content)]
    assert [bytes(each.body) for each in done] == [b"a" * 100, b"b" * 100]
    assert [list(each.offsets) for each in done] == [[0, 2, 4], [1, 3, 5]]


def test_a_record_whose_sender_died_is_dropped_after_a_while_and_never_delivered_in_part() -> None:
    sent = parts([b"a" * 200], 50)
    assembly = Assembly()
    for at, message in enumerate(sent[:3]):
        assert assembly.add(at, message.value, message.headers, 0.0) is None
    assert assembly.expired(PATIENCE_SECONDS) == []
    assert assembly.expired(PATIENCE_SECONDS + 1) == [[0, 1, 2]]
    assert assembly.held == 0
    with pytest.raises(Remnant):
        assembly.add(3, sent[3].value, sent[3].headers, PATIENCE_SECONDS + 1)


def test_a_record_that_was_let_go_while_parts_were_missing_is_read_again_when_it_has_them_all() -> None:
    one, two = parts([b"a" * 100], 50), parts([b"b" * 100], 50)
    both = [each for pair in zip(one, two, strict=True) for each in pair]
    assembly = Assembly()
    found: list[Content | LetGo | None] = []
    for at, message in enumerate(both):
        found.append(assembly.add(at, message.value, message.headers, 0.0))
        if at == 1:
            last = max(assembly.holding, key=lambda each: each.begun)
            assembly.let_go(last)
            assembly.let_go(last)
            assert assembly.held == 50
    assert assembly.held == 0
    assert found[:4] == [None] * 4
    assert whole(found[4]) == (7, b"meta", b"a" * 100)
    assert found[5] == LetGo([1, 3, 5])
    again = Rereading([1, 3, 5])
    assert [again.add(at, both[at].value) for at in (0, 1, 2, 3, 4)] == [None] * 5
    assert whole(again.add(5, both[5].value)) == (7, b"meta", b"b" * 100)


def test_a_record_whose_messages_are_gone_when_it_is_read_again_is_given_up() -> None:
    again = Rereading([1, 3, 5])
    again.add(1, b"a")
    with pytest.raises(Remnant):
        again.add(4, b"a")


def test_what_was_let_go_and_is_never_completed_expires_too() -> None:
    sent = parts([b"a" * 200], 50)
    assembly = Assembly()
    assembly.add(0, sent[0].value, sent[0].headers, 0.0)
    assembly.let_go(assembly.holding[0])
    assembly.add(1, sent[1].value, sent[1].headers, 0.0)
    assert assembly.held == 0
    assert assembly.expired(PATIENCE_SECONDS + 1) == [[0, 1]]
    assert assembly.held == 0


def test_other_headers_of_a_record_are_left_alone() -> None:
    [message] = parts([b"a"], 50)
    assert whole(Assembly().add(0, message.value, [("reason", b"refused")], 0.0)) == (7, b"meta", b"a")


class Odd(NamedTuple):
    value: bytes
    headers: list[tuple[str, bytes]]


@pytest.mark.parametrize(
    "odd",
    [
        Odd(b"", []),
        Odd(b"short", []),
        Odd(b"not a record, though it is long enough", []),
        Odd(b"ALQK" + b"\xff" * 40, []),
        Odd(b"x", [("traceparent", b"00")]),
        Odd(b"x", [("id", b"1"), ("part", b"1/2"), ("size", b"many")]),
        Odd(b"x", [("id", b"1"), ("part", b"1"), ("size", b"2")]),
        Odd(b"x", [("id", b"1"), ("part", b"1/2"), ("size", b"99999999999")]),
        Odd(b"x", [("id", b"1"), ("part", b"1/9"), ("size", b"2")]),
        Odd(b"xyz", [("id", b"1"), ("part", b"1/1"), ("size", b"3")]),
    ],
)
def test_what_no_queue_has_sent_is_told_from_records(odd: Odd) -> None:
    with pytest.raises(Foreign):
        Assembly().add(0, odd.value, odd.headers, 0.0)


def test_parts_that_do_not_follow_each_other_are_refused() -> None:
    sent = parts([b"a" * 200], 50)
    assembly = Assembly()
    assembly.add(0, sent[0].value, sent[0].headers, 0.0)
    with pytest.raises(Foreign):
        assembly.add(1, sent[2].value, sent[2].headers, 0.0)
    with pytest.raises(Foreign):
        assembly.add(2, sent[1].value * 9, sent[1].headers, 0.0)
