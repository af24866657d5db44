"""JSON for the admin API in pieces: the same text, without making more of it at a time than needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from alloypy.components.discovery.relabel import Exports
from alloypy.components.pyroscope.scraping.status import DebugInfo, TargetStatus
from alloypy.profiles.relabel import RelabelRules
from alloypy.schema.encode import encode_body, encode_text
from alloypy.services.web.values import beginning, content, is_large

TARGETS: Any = tuple(
    {"__address__": f"host-{i}:80", "password": "hush", "x": '"<\u00e4>'} for i in range(5000)
)


class Counted(tuple[Any, ...]):
    """A tuple that counts how many of its elements are taken."""

    taken = 0

    def __iter__(self) -> Iterator[Any]:
        for each in super().__iter__():
            self.taken += 1
            yield each


def status(number: int) -> TargetStatus:
    return TargetStatus(
        job="", url=f"http://{number}", health="up", labels={"a": "b"}, last_error="", last_scrape=""
    )


@pytest.mark.parametrize(
    "instance",
    [
        None,
        {},
        {"a": [1, {"token": "hush"}], "b": None, "c": [], "d": "text"},
        Exports(output=TARGETS[:3], rules=RelabelRules(())),
        Exports(output=(), rules=RelabelRules(())),
        DebugInfo(target=(status(1), status(2))),
        DebugInfo(),
    ],
)
def test_the_pieces_are_the_whole(instance: Any) -> None:
    whole = json.dumps(encode_body(instance), ensure_ascii=False, separators=(",", ":"))
    assert "".join(encode_text(instance)) == whole
    assert content(instance) == whole.encode()
    assert "hush" not in whole


def test_no_more_is_made_than_a_page_needs() -> None:
    targets = Counted(TARGETS)
    exports = Exports(output=targets, rules=RelabelRules(()))
    assert max(map(len, encode_text(exports))) < 1000
    targets.taken = 0
    assert is_large(exports)
    assert targets.taken < 1000
    statuses = Counted(map(status, range(5000)))
    assert is_large(DebugInfo(target=statuses))
    assert statuses.taken < 1000
    assert "There is more" in str(beginning(DebugInfo(target=statuses)))
    assert statuses.taken < 4000
