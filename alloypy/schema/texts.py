"""Alloy's messages about faulty bodies, shared by decoding and the static check.

Source: docs/spec/SYNTAX.md, section 6.
"""

from __future__ import annotations

NESTED_BLOCKS = "nested blocks not supported here"

CODES = {
    "unknown attribute": "ALY0301",
    "unknown block": "ALY0302",
    "kind": "ALY0303",
    "repeated": "ALY0304",
    "missing": "ALY0305",
    "label": "ALY0306",
    "nested": "ALY0307",
    "type": "ALY0308",
}
"""The code of a diagnostic, by the kind of mistake."""


def attribute_unknown(name: str) -> str:
    """An attribute that the body does not have."""
    return f'unrecognized attribute name "{name}"'


def block_unknown(name: str) -> str:
    """A block that the body does not have."""
    return f'unrecognized block name "{name}"'


def must_be_block(name: str) -> str:
    """A block written as an attribute."""
    return f'"{name}" must be a block, but is used as an attribute'


def must_be_attribute(name: str) -> str:
    """An attribute written as a block."""
    return f'"{name}" must be an attribute, but is used as a block'


def attribute_repeated(name: str) -> str:
    """An attribute given twice."""
    return f'attribute "{name}" may only be provided once'


def block_repeated(name: str) -> str:
    """A single block given more than once."""
    return f'block "{name}" may only be specified once'


def block_count(name: str, wanted: int, got: int) -> str:
    """A block given more or less often than its fixed number of times."""
    return f'block "{name}" must be specified exactly {wanted} times, but was specified {got} times'


def missing(kind: str, name: str) -> str:
    """A required `attribute` or `block` that is absent."""
    return f'missing required {kind} "{name}"'


def label_required(name: str) -> str:
    """A labelled block without its label."""
    return f'block "{name}" requires non-empty label'


def label_refused(name: str) -> str:
    """A label on a block that must not have one."""
    return f'block "{name}" does not support specifying labels'


def label_refused_by_map(name: str) -> str:
    """A label on a block with free attribute names."""
    return f'block "{name}" requires empty label'


def expected(wanted: str, got: str) -> str:
    """A value of the wrong type, as the static check words it."""
    return f"expected {wanted}, got {got}"


def static(message: str) -> str:
    """Evaluation's message about a value, as the static check words it."""
    if message.startswith("should be ") and not message.startswith("should be one of "):
        return "expected " + message.removeprefix("should be ")
    return message
