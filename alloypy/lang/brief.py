"""Long texts cut, where they are quoted in an answer or a log line."""

from __future__ import annotations


def brief(text: str, most: int = 256) -> str:
    """The text; of one that is longer than `most` characters the beginning and its length."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
