"""The versions that load a configuration, found in one walk, and what limits them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import timeline
from alloypy.check.configuration import NOTHING, check_files
from alloypy.check.versions.requires import errors_of
from alloypy.graph.admission import Gate
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.source import Source
from tests.support.counts import repeated
from tests.support.upgrading import EVERYTHING, requirement

ROOT = Path(__file__).parents[4]
MODULE = """declare "collect" {
  argument "to" { }

  discovery.http "x" {
    url          = "http://localhost/"
    http_headers = { }
  }
}
"""
QUEUE = """prometheus.write.queue "q" {{
  endpoint "a" {{
    url = "http://x"
    {}
  }}
}}
"""
FOREACH = """foreach "f" {
  collection = []
  var        = "v"

  template {
    local.file "x" {
      filename = v
    }
  }
}
"""
TEXTS = {
    "headers": 'loki.write "w" {\n  endpoint {\n    url = "http://x"\n    http_headers = { }\n  }\n}\n',
    "gap": 'prometheus.exporter.windows "w" {\n  msmq { }\n}\n',
    "removed": QUEUE.format(""),
    "block": QUEUE.format("parallelism { }"),
    "number": QUEUE.format("parallelism = 1"),
    "label": 'beyla.ebpf "b" {\n  filters {\n    network "n" { }\n  }\n}\n',
    "level": 'otelcol.processor.transform "t" {\n  debug_metrics {\n    level = "odd"\n  }\n  output {}\n}\n',
    "type": 'prometheus.exporter.oracledb "o" {\n  connection_string = "x"\n  custom_metrics = ["x"]\n}\n',
    "required": 'database_observability.mysql "m" {\n  data_source_name = "x"\n  forward_to = []\n}\n',
    "function": 'logging {\n  level = sys.env("LEVEL")\n}\n',
    "member": 'logging {\n  level = array.group_by([], "a", true)[0]\n}\n',
    "constant": "logging {\n  level = constants.version\n}\n",
    "foreach": FOREACH,
    "unused": MODULE,
    "used": f'{MODULE}\ncollect "c" {{\n  to = 1\n}}\n',
    "imported": f'import.string "m" {{\n  content = `{MODULE}`\n}}\n\nm.collect "c" {{\n  to = 1\n}}\n',
    "service": "livedebugging {\n  enabled = true\n}\n",
    "gate": 'remotecfg {\n  url = "http://x"\n  name = "n"\n}\n',
    "rule": 'otelcol.processor.batch "b" {\n  send_batch_size = 5000\n  output { }\n}\n',
    "wrong": "logging {\n  level = 1\n  nothing = 2\n}\n",
}


def loading(text: str, gate: Gate) -> int:
    """The versions whose check finds no error: what `requires` answers without a check for each."""
    files = parse_config([Source("c", text.encode())])
    mask = 0
    for version in timeline().versions:
        if not errors_of(check_files(files, load_catalog(version), gate, NOTHING)):
            mask |= version.bit
    return mask


@pytest.mark.parametrize("gate", [EVERYTHING, Gate()])
@pytest.mark.parametrize("name", TEXTS)
def test_the_walk_finds_the_versions_whose_check_finds_nothing(name: str, gate: Gate) -> None:
    assert requirement(TEXTS[name], gate=gate).mask == loading(TEXTS[name], gate)


LINES = (ROOT / "tests/golden/versions/given.jsonl").read_text("utf-8").splitlines()
GIVEN = [text for _, _, _, text, *_ in map(json.loads, LINES) if isinstance(text, str) and text]


def test_the_walk_agrees_with_the_check_on_what_changed() -> None:
    for text in GIVEN[:: len(GIVEN) // repeated(len(GIVEN))]:
        assert requirement(text).mask == loading(text, EVERYTHING), text


@pytest.mark.parametrize("name", ["collection-pipeline", "external-labels"])
def test_the_walk_agrees_with_the_check_on_examples(name: str) -> None:
    text = (ROOT / "examples" / name / "config.alloy").read_text("utf-8")
    found = requirement(text)
    assert found.mask == loading(text, EVERYTHING) != 0


def reasons(text: str, gate: Gate = EVERYTHING) -> list[str]:
    """What is said about each limit."""
    found = requirement(text, gate=gate)
    said = []
    for window in found.windows:
        if window.since is not None:
            said += [each.since(window.since.version) for each in window.since.bounds]
        if window.until is not None:
            said += [each.until(window.until.version) for each in window.until.bounds]
    return said


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("headers", ["endpoint/http_headers at c:4:5 needs 1.8.0"]),
        ("gap", ["msmq at c:2:3 is gone in 1.9.0", "msmq at c:2:3 needs 1.9.2"]),
        (
            "removed",
            [
                "prometheus.write.queue at c:1:1 needs 1.5.0",
                "prometheus.write.queue at c:1:1 is gone in 1.19.0-rc.3",
            ],
        ),
        (
            "required",
            [
                "database_observability.mysql at c:1:1 needs 1.6.0",
                "targets at c:1:1 is missing, and required from 1.12.0 on",
                "targets at c:1:1 is missing, and required before 1.16.0",
            ],
        ),
        ("function", ["sys.env at c:2:11 needs 1.4.0"]),
        ("block", ["endpoint/parallelism at c:4:5 must be an attribute before 1.7.0"]),
    ],
)
def test_each_limit_has_a_place_and_a_reason(name: str, expected: list[str]) -> None:
    assert [each for each in reasons(TEXTS[name]) if each in expected] == expected


def test_bounds_that_contradict_each_other() -> None:
    found = requirement(TEXTS["headers"] + 'otelcol.exporter.logging "l" { }\n')
    assert found.mask == 0
    assert [(each.subject, timeline().text(each.mask)) for each in found.conflict] == [
        ("endpoint/http_headers", "1.8.0"),
        ("otelcol.exporter.logging", "1.0.0<1.5.0"),
    ]


def test_a_level_that_is_not_permitted_in_any_version() -> None:
    (bound,) = requirement(TEXTS["removed"], gate=Gate()).conflict
    assert (bound.kind, bound.detail) == ("stability", "at the level experimental")


def test_what_is_wrong_in_every_version() -> None:
    found = requirement(TEXTS["wrong"])
    assert found.mask == 0
    assert [str(each) for each in found.faults] == [
        'c:2:11: unrecognized log level "1"',
        'c:3:3: unrecognized attribute name "nothing"',
    ]


SAME_NAME = """otelcol.processor.attributes "a" {
  action {
    action = "delete"
    key    = "k"
  }
  output { }
}
"""
NESTED = """loki.process "p" {
  forward_to = []
  stage.match {
    selector = "{a=\\"b\\"}"
    stage.match {
      selector = "{a=\\"b\\"}"
      stage.pattern {
        pattern = "<a>"
      }
    }
  }
}
"""


def test_a_setting_with_the_name_of_its_block() -> None:
    assert requirement(SAME_NAME).mask == loading(SAME_NAME, EVERYTHING) == timeline().everything


def test_a_block_in_a_block_of_its_kind() -> None:
    assert 0 != requirement(NESTED).mask == loading(NESTED, EVERYTHING) != timeline().everything
