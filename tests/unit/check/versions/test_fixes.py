"""Changes that make a newer version accept a configuration: accepted, formatted as before, and made once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from alloypy.catalog.history import load_breaking
from alloypy.check.units import fixing
from alloypy.check.versions.findings import Rank
from alloypy.check.versions.fixes.components import COMPONENTS
from alloypy.check.versions.fixes.recipes import RECIPES
from alloypy.graph.admission import Gate
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Edit
from alloypy.syntax.lexer import scan
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from tests.support.upgrading import fixed, fixed_text

MYSQL = """\
database_observability.mysql "m" {
  data_source_name = "dsn"
  forward_to = []
  locks_threshold = "2s"
}
"""
TEXT = Path(__file__).with_name("fixes.txt").read_text("utf-8")
CASES = dict(
    re.findall(r"^=== (.+)\n((?:(?!===).*\n)+)", TEXT, re.MULTILINE),
)


def queue(inner: str) -> str:
    """An exporter with a setting of its queue."""
    return (
        'otelcol.exporter.otlp "x" {\n  client {\n    endpoint = "a:1"\n  }\n'
        f"  sending_queue {{\n    {inner}\n  }}\n}}\n"
    )


@pytest.mark.parametrize("name", CASES)
def test_the_new_version_accepts_the_fixed_text(name: str) -> None:
    start, end = name.partition(": ")[2].split(" to ")
    before, after = CASES[name].split("--- becomes\n")
    assert fixed_text(before, start, end) == after
    assert format_source(Source("c", before.encode())) == before.encode()


def test_a_queue_becomes_a_remote_write() -> None:
    text = (
        'prometheus.write.queue "q" {\n\tttl = "2h"\n\n\tendpoint "a" {\n\t\turl             = "http://a"\n'
        '\t\tbatch_count     = 7\n\t\texternal_labels = {"c" = "d"}\n\t}\n}\n\nprometheus.scrape "s" {\n'
        "\ttargets    = []\n\tforward_to = [prometheus.write.queue.q.receiver]\n}\n"
    )
    after = fixed_text(text, "1.18", "main")
    assert "forward_to = [prometheus.remote_write.q.receiver]" in after
    assert '// ttl = "2h"' in after
    assert "// batch_count" in after
    assert 'external_labels = {"c" = "d"}' in after
    assert 'name = "a"' in after


def test_text_that_is_not_formatted_changes_only_where_it_must() -> None:
    text = 'otelcol.exporter.otlp "x" {\n client   { endpoint="a:1" }\n sending_queue { blocking=true }\n}\n'
    assert fixed_text(text, "1.10", "1.11") == text.replace("blocking", "block_on_overflow")


def test_a_setting_that_is_given_in_both_forms_is_left_to_people() -> None:
    text = MYSQL
    text += queue("blocking = true\n\t\tblock_on_overflow = true")
    made = fixed(text, "1.10", "1.11")
    assert "locks {" in made.after[0].data.decode()
    assert [each.subject for each in made.left.findings if each.rank is Rank.REFUSED] == [
        "sending_queue/blocking"
    ]


def test_a_change_that_causes_an_error_is_not_made() -> None:
    text = 'otelcol.exporter.logging "x" { }\n'
    made = fixed(text, "1.4", "1.5", gate=Gate())
    assert made.after[0].data.decode() == text
    assert made.fixes == 0
    assert [each.code for each in made.left.findings if each.rank is Rank.REFUSED] == ["ALY0801"]


def test_other_errors_stay_as_they_are() -> None:
    text = 'nonsense "x" { }\n\n' + queue("blocking = true")
    made = fixed(text, "1.10", "1.11")
    assert "block_on_overflow" in made.after[0].data.decode()
    assert [each.message for each in made.left.others] == [
        'cannot find the definition of component name "nonsense"'
    ]


def test_a_hidden_namespace_is_not_used() -> None:
    text = 'declare "d" {\n\targument "x" { }\n}\n\nimport.string "sys" {\n\tcontent = env("X")\n}\n'
    assert "sys.env" in fixed(text, "1.3", "1.4").after[0].data.decode()


WORD = re.compile(rb"zz\d+zz")
FORMS = (b" /* zz0zz */ ", b" // zz0zz\n", b" /* zz0zz\n zz1zz */ ")
STEP = 25
"""Of the places between tokens, every one of so many is tried; 1 tries them all."""


def commented(text: str, first: int) -> Iterator[str]:
    """A text with comments between all tokens, then with one comment at some of these places."""
    data = text.encode()
    ends = (each.end for each in scan(Source("c", data)).tokens if each.type != "TERMINATOR")
    places = sorted({*ends, *(each.start for each in scan(Source("c", data)).tokens)})
    parts = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
    yield b"".join(b" /* zz%dzz */ %s" % each for each in enumerate(parts)).decode()
    for place in places[first % STEP :: STEP]:
        for form in FORMS:
            yield (data[:place] + form + data[place:]).decode()


def is_valid(text: str) -> bool:
    try:
        parse_config([Source("c", text.encode())])
    except DiagnosticsError:
        return False
    return True


def assert_comments_survive(text: str, start: str, end: str) -> bool:
    """Whether anything was mended."""
    made = fixed(text, start, end)
    after = made.after[0]
    comments = b"\n".join(each.text.encode() for group in scan(after).comments for each in group)
    assert is_valid(after.data.decode())
    assert sorted(WORD.findall(comments)) == sorted(WORD.findall(text.encode())), text
    assert len(WORD.findall(after.data)) == len(WORD.findall(comments)), text
    layout = format_source(after)
    assert format_source(Source("c", layout)) == layout
    return bool(made.fixes)


@pytest.mark.parametrize("name", CASES)
def test_no_fix_loses_a_comment_wherever_it_stands(name: str) -> None:
    start, end = name.partition(": ")[2].split(" to ")
    before, _ = CASES[name].split("--- becomes\n")
    texts = [each for each in commented(before, len(name)) if is_valid(each)]
    fixes = [assert_comments_survive(each, start, end) for each in texts]
    assert any(fixes)


def test_settings_next_to_each_other_are_removed_in_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []
    apart = fixing._apart

    def counted(found: Iterable[Diagnostic]) -> list[tuple[str, tuple[Edit, ...], str]]:
        rounds.append(apart(found))
        return rounds[-1]

    monkeypatch.setattr(fixing, "_apart", counted)
    names = ("pid_cache_size", "cache_rounds", "pid_map_size", "symbols_map_size")
    lines = "".join(f"\t{name} = 5\n" for name in names)
    made = fixed(
        'pyroscope.ebpf "x" {\n\tforward_to = []\n\ttargets    = []\n' + lines + "}\n", "1.10", "1.11"
    )
    assert made.after[0].data == b'pyroscope.ebpf "x" {\n\tforward_to = []\n\ttargets    = []\n}\n'
    assert list(map(len, rounds)) == [4, 0]


def test_lines_end_as_those_of_the_file() -> None:
    before, after = CASES["topics with comments: 1.12 to 1.13"].split("--- becomes\n")
    text = fixed(before.replace("\n", "\r\n"), "1.12", "1.13").after[0].data.decode()
    assert text.count("\n") == text.count("\r\n")
    assert format_source(Source("c", text.encode())).decode() == after


def test_a_comment_in_the_name_of_a_component_is_left_to_people() -> None:
    text = 'otelcol.exporter./* x */logging "x" { }\n'
    assert fixed(text, "1.4", "1.5").fixes == 0


def test_every_renamed_setting_has_a_recipe() -> None:
    renamed = {each.id for each in load_breaking() if each.kind == "renamed"}
    assert renamed - set(RECIPES) == set()
    assert {each.id for each in load_breaking()} >= {*RECIPES, *COMPONENTS}
