"""What is hidden because of a vocabulary, and what without one."""

from __future__ import annotations

import pytest

from alloypy.catalog.on_demand import ON_DEMAND
from alloypy.redaction.masking import Mask
from alloypy.schema.vocabulary import NO_VOCABULARY
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source

TEXT = """discovery.docker "d" {
\tproxy_connect_header = {"X-Plain" = ["hush"]}
\tbearer_token         = "mum"
}
"""


def shareable(mask: Mask) -> str:
    return mask.shareable(parse_file(Source("c", TEXT.encode()))).decode()


def test_names_tell_without_a_vocabulary() -> None:
    text = shareable(Mask())
    assert "mum" not in text
    assert "hush" in text


def test_a_vocabulary_says_which_settings_are_secret() -> None:
    text = shareable(Mask(ON_DEMAND))
    assert "mum" not in text
    assert "hush" not in text


@pytest.mark.parametrize("name", ["discovery.docker", "logging"])
def test_no_vocabulary_knows_no_block(name: str) -> None:
    assert NO_VOCABULARY.component(name) is None
    assert NO_VOCABULARY.block(name) is None
    assert (ON_DEMAND.component(name) is None) == (name == "logging")
    assert (ON_DEMAND.block(name) is None) == (name != "logging")
