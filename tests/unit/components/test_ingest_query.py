"""The query of /ingest is rewritten as Go writes it, with our name in it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.components.pyroscope.sending.ingest import rewrite_query

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden/net/queries.jsonl")
    .read_text("utf-8")
    .strip()
    .split("\n")
]
NAME = "new%7Ba%3Db%2Cc%3Dd%7D"


def test_as_go() -> None:
    for case in CASES:
        assert rewrite_query(case["query"], NAME) == case["rewritten"], case["query"]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=6))
def test_nothing_but_the_name_changes(pairs: list[tuple[str, str]]) -> None:
    from urllib.parse import urlencode

    usable = [pair for pair in pairs if all(part.isprintable() for part in pair)]
    rewritten = rewrite_query(urlencode(usable), "n")
    kept = [pair for pair in usable if pair[0] != "name"]
    read = [pair for pair in parse_qsl(rewritten, keep_blank_values=True) if pair[0] != "name"]
    assert sorted(read) == sorted(kept)
    assert rewrite_query(rewritten, "n") == rewritten
