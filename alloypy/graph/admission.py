"""Which components there are, and which the command line lets in: one answer for loading and checking.

Source: docs/spec/RUNTIME.md, section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from alloypy.graph import codes, texts
from alloypy.schema.stability import Stability, admission, refusal
from alloypy.schema.vocabulary import NO_VOCABULARY, Vocabulary


class ComponentKind(Protocol):
    """What the graph needs to know of a component kind."""

    @property
    def stability(self) -> Stability:
        """The level it is at."""
        ...

    @property
    def community(self) -> bool:
        """Whether it is a community component, which the stability gate does not concern."""
        ...

    @property
    def exports(self) -> type | None:
        """The declared class of its exports."""
        ...


class Refused(NamedTuple):
    """Why there can be no component of a name."""

    message: str
    code: str
    hint: str = ""


class Gate(NamedTuple):
    """What the command line lets in."""

    stability: Stability = Stability.GENERALLY_AVAILABLE
    community: bool = False


class Gates(NamedTuple):
    """Which component kinds there are, and which of them the command line lets in.

    vocabulary: what else Alloy has.
    """

    registry: Mapping[str, ComponentKind]
    gate: Gate = Gate()
    vocabulary: Vocabulary = NO_VOCABULARY

    def refused(self, name: str) -> Refused | None:
        """Why there can be no component `name`; None where there can."""
        kind = self.registry.get(name)
        if kind is None:
            if self.vocabulary.component(name) is not None:
                return Refused(texts.not_run(name), codes.UNKNOWN_COMPONENT, texts.NOT_RUN_HINT)
            return Refused(texts.unknown_component(name), codes.UNKNOWN_COMPONENT)
        if kind.community:
            return None if self.gate.community else Refused(texts.community_component(name), codes.GATE)
        below = refusal(f'component "{name}"', kind.stability, self.gate.stability)
        return None if below is None else Refused(below, codes.GATE, admission(kind.stability))
