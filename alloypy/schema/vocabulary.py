"""Blocks that are known by the specs of their bodies, whether alloypy runs them or not.

Code that reads configurations gets a vocabulary besides the registry, to report that Alloy has a component
that alloypy does not run, and to know which of its settings are secret.
"""

from __future__ import annotations

from typing import Protocol

from alloypy.schema.spec import Spec


class Described(Protocol):
    """A block with a spec."""

    @property
    def arguments(self) -> Spec | None:
        """What its body may contain; None if it cannot be configured."""
        ...


class Vocabulary(Protocol):
    """Blocks by name."""

    def __hash__(self) -> int: ...

    def component(self, name: str) -> Described | None:
        """The component `name`; None if it is unknown."""
        ...

    def block(self, name: str) -> Described | None:
        """The config block or service `name`; None if it is unknown."""
        ...


class _Nothing:
    def component(self, name: str) -> Described | None:
        return None

    def block(self, name: str) -> Described | None:
        return None


NO_VOCABULARY: Vocabulary = _Nothing()
"""Knows no block: only names and texts then show what is secret."""
