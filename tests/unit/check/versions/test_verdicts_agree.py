"""`requires`, `upgrade` and a check for a version agree on whether it loads a configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import find_version, timeline
from alloypy.check.configuration import NOTHING, check_files
from alloypy.check.versions.requires import errors_of, requirement_of
from alloypy.check.versions.upgrade import Upgrade, touched
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.source import Source
from tests.support.counts import repeated
from tests.support.upgrading import EVERYTHING

ROOT = Path(__file__).parents[4]
VERSIONS = tuple(find_version(name) for name in ("1.2", "1.10", "1.18.1"))
CONTEXT = NOTHING._replace(selected=frozenset())
BATCH = """otelcol.processor.batch "a" {
  send_batch_size = 8192
  output { }
}
"""
HEADER = """otelcol.auth.headers "a" {
  header {
    key    = "x"
    action = "delete"
  }
}
"""


def verdicts(text: str) -> dict[str, tuple[bool, bool, bool]]:
    """Whether each version loads a file: by its own check, by `requires`, and by `upgrade` to it."""
    files = parse_config([Source("c", text.encode())])
    mask = requirement_of(files, EVERYTHING, CONTEXT).mask
    found = {}
    for version in VERSIONS:
        checked = not errors_of(check_files(files, load_catalog(version), EVERYTHING, CONTEXT))
        upgrade = Upgrade(timeline().versions[0], version, EVERYTHING)
        upgraded = not touched(files, upgrade, CONTEXT).refused
        found[version.name] = (checked, bool(mask & version.bit), upgraded)
    return found


def disagreements(text: str) -> list[str]:
    return [name for name, (one, *others) in verdicts(text).items() if others != [one, one]]


def sample() -> dict[str, str]:
    """The examples, and of the recorded cases a sample spread over all of them."""
    texts = {str(path): path.read_text("utf-8") for path in sorted(ROOT.glob("examples/**/*.alloy"))}
    lines = (ROOT / "tests/golden/versions/given.jsonl").read_text("utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if case[2] != "flag"]
    return texts | {case[0]: case[3] for case in cases[:: len(cases) // repeated(len(cases))]}


def test_all_agree() -> None:
    texts = sample()
    assert len(texts) > 50
    assert {name: found for name, text in texts.items() if (found := disagreements(text))} == {}


@pytest.mark.parametrize(("text", "first"), [(BATCH, "1.11.0"), (HEADER, "1.8.0")])
def test_rules_hold_in_the_versions_that_have_their_settings_and_defaults(text: str, first: str) -> None:
    """Of the batch the default of another setting changed, for the header another source of values came."""
    assert disagreements(text) == []
    (window,) = requirement_of(parse_config([Source("c", text.encode())]), EVERYTHING, CONTEXT).windows
    assert window.until is not None
    assert window.until.version.name == first
