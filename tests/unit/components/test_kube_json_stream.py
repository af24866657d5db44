"""Lists and events of the Kubernetes API are read as they arrive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloypy.components.discovery.kube import json_stream
from alloypy.components.discovery.kube.json_stream import Items, Lines, StreamError
from tests.support.watchdog import briefly

LIST = {
    "kind": "PodList",
    "metadata": {"resourceVersion": "12", "continue": 7},
    "items": [{"a": "ü€\n]},{"}, {"b": [1, {"c": None}]}, {}],
    "after": 12345,
}


def read(data: bytes, size: int) -> tuple[list[Any], dict[str, Any]]:
    items = Items()
    found = [each for at in range(0, len(data), size) for each in items.add(data[at : at + size])]
    return found + list(items.end()), items.rest


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_list_in_pieces(size: int, indent: int | None, ascii_only: bool) -> None:
    data = json.dumps(LIST, indent=indent, ensure_ascii=ascii_only).encode()
    found, rest = read(data, size)
    assert found == LIST["items"]
    assert rest == {name: value for name, value in LIST.items() if name != "items"}


def test_items_come_before_the_list_has_ended() -> None:
    items = Items()
    assert list(items.add(b'{"items":[{"a":1},{"b"')) == [{"a": 1}]
    assert list(items.add(b":2}")) == [{"b": 2}]


def test_lists_without_items() -> None:
    assert read(b'{"items":null,"metadata":{}}', 3) == ([], {"items": None, "metadata": {}})
    assert read(b"{}", 1) == ([], {})


@pytest.mark.parametrize("data", [b"", b'{"items":[', b'{"items":[{}', b'{"items":[{}]', b'{"metadata":{}'])
def test_half_lists_are_refused(data: bytes) -> None:
    with pytest.raises(StreamError, match=r"^it ends too early$"):
        read(data, 4)


@pytest.mark.parametrize("data", [b"[]", b"<html>", b'{"items":[{} {}]}', b'{"a" 1}', b"[" * 100_000])
def test_other_texts_are_refused(data: bytes) -> None:
    with pytest.raises(StreamError):
        read(data, 5)


def test_deep_objects_are_refused() -> None:
    with pytest.raises(StreamError, match=r"nested too deeply|too early"):
        read(b'{"items":[' + b"[" * 100_000, 1 << 16)


def test_large_objects_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MOST_CHARACTERS", 1000)
    with pytest.raises(StreamError, match=r"^an object is larger than 1000 characters$"):
        read(b'{"items":["' + b"x" * 2000, 100)
    assert len(read(b'{"items":[' + b"{}," * 2000 + b"{}]}", 100)[0]) == 2001


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_events_in_pieces(size: int) -> None:
    events = [{"type": "ADDED", "object": {"a": "ü}"}}, {"type": "BOOKMARK", "object": {}}]
    data = b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in events)
    lines = Lines()
    found = [each for at in range(0, len(data), size) for each in lines.add(data[at : at + size])]
    assert found == events


def test_a_half_event_comes_as_soon_as_it_is_whole() -> None:
    lines = Lines()
    assert list(lines.add(b'{"type":"A"')) == []
    assert list(lines.add(b'}\n{"type"')) == [{"type": "A"}]
    assert list(lines.add(b':"B"}\r\n')) == [{"type": "B"}]


@pytest.mark.parametrize("data", [b"<html>\n", b"[]\n", b'{"a":\n', b"[" * 100_000 + b"\n"])
def test_something_else_than_events_is_refused(data: bytes) -> None:
    with pytest.raises(StreamError):
        list(Lines().add(data))


def test_large_events_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MOST_CHARACTERS", 1000)
    lines = Lines()
    with pytest.raises(StreamError, match=r"^an object is larger than 1000 characters$"):
        for _ in range(30):
            list(lines.add(b"x" * 100))


def test_a_large_item_in_many_pieces_costs_little() -> None:
    data = b'{"items":["' + b"x" * 2_000_000 + b'"]}'
    with briefly():
        assert len(read(data, 1000)[0][0]) == 2_000_000
