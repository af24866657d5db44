"""What components, blocks and settings are for, in a sentence of our own, where alloypy runs them.

In `words.jsonl` each line after the header has a body, a setting in it, and the words. A body is a Go type
that many components share, or the path of a component and its inner blocks, which ends with `/` for exports.
What a component itself is for has no setting.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloypy.schema.spec import Spec

OF_CLIENTS = "config.HTTPClientConfig"
"""The type that Alloy's HTTP clients have in common; its settings stand among those of other types."""

_SIGNS = ("basic_auth", "authorization", "oauth2", "tls_config", "bearer_token_file")
"""A body with all of these has the settings of an HTTP client."""


def words_about(name: str) -> str:
    """What a component or config block is for; "" if that is not known."""
    return _words().get((name, ""), "")


def words_for(path: str, spec: Spec | None, name: str) -> str:
    """What a setting is for; "" if that is not known.

    path: of the body, such as `pyroscope.write/endpoint`; with `/` at the end for exports.
    """
    words = _words()
    found = words.get((path, name), "")
    if found or spec is None:
        return found
    found = words.get((spec.name, name), "")
    if not found and all(sign in spec.lookup for sign in _SIGNS):
        found = words.get((OF_CLIENTS, name), "")
    return found


@cache
def _words() -> dict[tuple[str, str], str]:
    lines = Path(__file__).with_name("words.jsonl").read_text("utf-8").splitlines()
    return {(body, name): words for body, name, words in map(json.loads, lines[1:])}
