"""Each character of a value is found where the YAML has it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alloypy.check.manifests.places import indexes
from alloypy.embedded.yaml.documents import Node, documents
from alloypy.syntax.source import Source

TEXTS = st.text("ab\"'\\{}=# \t\nü😀:-\x07", min_size=1, max_size=60)


@pytest.mark.parametrize("style", ["|", ">", '"', "'", ""])
@given(value=TEXTS, width=st.sampled_from([20, 1000]))
def test_every_letter_has_its_place(style: str, value: str, width: int) -> None:
    data = yaml.dump({"alloy": {"x": value}}, default_style=style or None, allow_unicode=True, width=width)
    ((document, root),) = documents(Source("x", data.encode()), b"alloy")
    assert isinstance(root, Node)
    node = root.content[1].content[1]
    assert node.value == value
    found = indexes(document.text, node.start, node.end, node.style, value)
    assert found is not None
    for char, at in zip(value, found, strict=True):
        assert node.start <= at < max(node.end, node.start + 1)
        if char.isprintable() and not char.isspace() and document.text[at] != "\\":
            assert document.text[at] == char
    assert found == sorted(found)
