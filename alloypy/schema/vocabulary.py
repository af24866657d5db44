"""What blocks there are beyond those that run here, as far as their bodies tell what is in them.

What reads configurations is handed a vocabulary, as it is handed the registry: to say that a component is
Alloy's and not ours, and to know which of its settings are secret.
"""

from __future__ import annotations

from typing import Protocol

from alloypy.schema.spec import Spec


class Described(Protocol):
    """A block whose body is described."""

    @property
    def arguments(self) -> Spec | None:
        """What its body may hold; None where it cannot be configured."""
        ...


class Vocabulary(Protocol):
    """Blocks by name."""

    def __hash__(self) -> int: ...

    def component(self, name: str) -> Described | None:
        """The component `name`; None where it is not known."""
        ...

    def block(self, name: str) -> Described | None:
        """The config block or service `name`; None where it is not known."""
        ...


class _Nothing:
    def component(self, name: str) -> Described | None:
        return None

    def block(self, name: str) -> Described | None:
        return None


NO_VOCABULARY: Vocabulary = _Nothing()
"""Knows no block: what is secret is then told by names and by texts alone."""
