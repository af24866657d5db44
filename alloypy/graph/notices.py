"""Alloy's words for names that work and should not be used any more."""

from __future__ import annotations

DEPRECATED = (
    "this stdlib function is deprecated; please refer to the documentation for updated usage and alternatives"
)
SHADOWING = "a component is shadowing an existing stdlib name"
