"""Stability levels, and the messages about features below the permitted level.

Source: docs/spec/RUNTIME.md, section 2.3.
"""

from __future__ import annotations

from enum import IntEnum


class Stability(IntEnum):
    """Stability levels; a gate permits its own level and everything more stable (greater)."""

    EXPERIMENTAL = 0
    PUBLIC_PREVIEW = 1
    GENERALLY_AVAILABLE = 2

    @property
    def text(self) -> str:
        """As written on the command line: `generally-available`."""
        return self.name.lower().replace("_", "-")


LEVELS = {level.text: level for level in sorted(Stability, reverse=True)}
"""The levels as written on the command line, the most stable first."""


def admission(stability: Stability) -> str:
    """The hint for a feature that is not permitted: the flag that permits it."""
    return f"add --stability.level={stability.text} to the command line"


def refusal(feature: str, stability: Stability, minimum: Stability) -> str | None:
    """Alloy's message if `feature` (such as `component "pyroscope.enrich"`) is below the gate, else None."""
    if stability >= minimum:
        return None
    return (
        f'{feature} is at stability level "{stability.text}", which is below the minimum allowed '
        f'stability level "{minimum.text}". Use --stability.level command-line flag to enable '
        f'"{stability.text}" features'
    )
