"""The kinds of tokens that are told apart, which the server announces before it looks at a text."""

from __future__ import annotations

from enum import IntFlag

KINDS = (
    "namespace",
    "class",
    "type",
    "parameter",
    "variable",
    "property",
    "function",
    "keyword",
    "comment",
    "string",
    "number",
    "operator",
)
"""The kinds of tokens, by the protocol's names."""


class Marks(IntFlag):
    """What else a token is; `MARKS` has the protocol's names in this order."""

    NONE = 0
    DECLARATION = 1
    READONLY = 2
    DEPRECATED = 4
    LIBRARY = 8


MARKS = ("declaration", "readonly", "deprecated", "defaultLibrary")
