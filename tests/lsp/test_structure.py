"""Outline, folding and selection: right where a text is valid, and well formed where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.folding import Fold, foldings
from alloypy.lsp.features.outline import Entry, Sort, outline
from alloypy.lsp.features.selecting import selections
from tests.support.broken_texts import broken_texts
from tests.support.counts import repeated
from tests.support.watchdog import briefly

TEXT = """// #region scraping
// What is scraped,
// and where it goes.
prometheus.scrape "app" {
	targets = [{
		"__address__" = "localhost:9090", // no scheme
	}]
	forward_to = [prometheus.remote_write.out.receiver]

	basic_auth {
		username = `me
me`
	}
}
// #endregion

declare "part" {
	argument "size" { }

	foreach "each" {
		template {
			local.file "f" { filename = f(1,
				2) }
		}
	}
}

logging {
	level = "debug"
"""


def shown(entries: Iterable[Entry], depth: int = 0) -> list[str]:
    lines = []
    for each in entries:
        lines += [f"{'  ' * depth}{each.name}: {each.sort.value}", *shown(each.inner, depth + 1)]
    return lines


def test_the_outline_has_blocks_and_attributes_also_of_a_block_that_is_not_closed() -> None:
    assert shown(outline(Document("config.alloy", TEXT.encode()))) == [
        'prometheus.scrape "app": component',
        "  targets: array",
        "  forward_to: array",
        "  basic_auth: block",
        "    username: text",
        'declare "part": module',
        '  argument "size": config block',
        '  foreach "each": module',
        "    template: module",
        '      local.file "f": component',
        "        filename: value",
        "logging: config block",
        "  level: text",
    ]


def test_an_outline_of_very_many_attributes_has_blocks_only() -> None:
    text = 'a "b" {\n' + "\tx = 1\n" * 10_001 + "\tc { }\n}\n"
    assert shown(outline(Document("config.alloy", text.encode()))) == ['a "b": component', "  c: block"]


def lines(text: str) -> list[tuple[str, int, int]]:
    document = Document("config.alloy", text.encode())
    line = document.source.line
    return [(fold.value, line(start), line(stop)) for fold, start, stop in foldings(document)]


def test_brackets_comments_texts_and_regions_fold_and_leave_what_closes_them() -> None:
    assert lines(TEXT) == [
        ("region", 1, 15),
        ("comment", 2, 3),
        ("code", 4, 13),
        ("code", 5, 6),
        ("code", 10, 12),
        ("code", 11, 12),
        ("code", 17, 25),
        ("code", 20, 24),
        ("code", 21, 23),
        ("code", 22, 23),
        ("code", 28, 29),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    {
        "a = [{\n\tx = 1,\n}, {\n\ty = 1,\n}]\n": [("code", 1, 4), ("code", 3, 4)],
        "/* a\n\n b */\n": [("comment", 1, 3)],
        "// a\n\n// b\n": [],
        "a = 1 // a\n// b\n// c\n": [("comment", 2, 3)],
        "// #region\n// #region\n// #endregion\n": [("region", 2, 3)],
        "// #endregion\n//region a\na { }\n//endregion\n": [("region", 2, 4)],
        "a {\r\n\tb = 1\r\n}\r\n": [("code", 1, 2)],
        "a { }\n": [],
        "a {\n}\n": [],
    }.items(),
)
def test_what_folds(text: str, found: list[tuple[str, int, int]]) -> None:
    assert lines(text) == found


def test_a_selection_grows_from_the_word_to_the_text() -> None:
    data = TEXT.encode()
    document = Document("config.alloy", data)
    grown = [data[start:stop] for _, start, stop in selections(document, data.index(b"9090") + 1)]
    assert grown[:6] == [
        b"9090",
        b"localhost:9090",
        b'"localhost:9090"',
        b'"__address__" = "localhost:9090"',
        b'"__address__" = "localhost:9090", // no scheme',
        b'{\n\t\t"__address__" = "localhost:9090", // no scheme\n\t}',
    ]
    assert grown[-1] == data
    assert any(each.startswith(b"targets = [{") and each.endswith(b"}]") for each in grown)
    body = next(each for each in grown if each.startswith(b"targets =") and each.endswith(b"}"))
    assert body.count(b"\n") == 8
    assert any(each.startswith(b"prometheus.scrape") and each.endswith(b"}") for each in grown)


def test_the_parts_of_a_block_are_selected_one_by_one() -> None:
    data = b'local.file "f" { filename = argument.x.value }'

    def grown(at: int) -> list[bytes]:
        return [data[start:stop] for _, start, stop in selections(Document("config.alloy", data), at)]

    assert grown(7) == [b"file", b"local.file", b'local.file "f"', data]
    assert grown(13) == [b"f", b'"f"', b'local.file "f"', data]
    assert grown(38)[:3] == [b"x", b"argument.x", b"argument.x.value"]
    assert grown(38)[3:] == [
        b"filename = argument.x.value",
        b"{ filename = argument.x.value }",
        data,
    ]


@settings(deadline=None, max_examples=repeated(3000))
@given(broken_texts(), st.integers(0, 2**16))
def test_parts_of_broken_texts_are_well_formed(data: bytes, number: int) -> None:
    document = Document("config.alloy", data)
    with briefly(10):
        check_entries(outline(document), 0, len(data))
        inner = [part for part in foldings(document) if part.fold is not Fold.REGION]
        opened: list[int] = []
        for _, start, stop in inner:
            assert 0 <= start <= stop <= len(data)
            while opened and opened[-1] <= start:
                opened.pop()
            assert not opened or stop <= opened[-1]
            opened.append(stop)
        at = number % (len(data) + 1)
        ranges = selections(document, at)
        assert (ranges[-1].start, ranges[-1].stop) == (0, len(data))
        for small, large in pairwise(ranges):
            assert large.start <= small.start <= at <= small.stop <= large.stop
            assert small != large


def check_entries(entries: Iterable[Entry], start: int, stop: int) -> None:
    for each in entries:
        assert isinstance(each.sort, Sort)
        assert each.name
        assert start <= each.start <= each.name_start <= each.name_stop <= each.stop <= stop
        check_entries(each.inner, each.start, each.stop)
        start = each.start
