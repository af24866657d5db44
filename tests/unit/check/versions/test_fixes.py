"""Changes that make a newer version accept a configuration: accepted, formatted as before, and made once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alloypy.catalog.history import load_breaking
from alloypy.check.versions.findings import Rank
from alloypy.check.versions.fixes.components import COMPONENTS
from alloypy.check.versions.fixes.recipes import RECIPES
from alloypy.graph.admission import Gate
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


def test_every_renamed_setting_has_a_recipe() -> None:
    renamed = {each.id for each in load_breaking() if each.kind == "renamed"}
    assert renamed - set(RECIPES) == set()
    assert {each.id for each in load_breaking()} >= {*RECIPES, *COMPONENTS}
