"""Shortens long texts that are quoted in a response or a log line."""

from __future__ import annotations


def brief(text: str, most: int = 256) -> str:
    """The text; if it has more than `most` characters, its beginning and its length."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
