"""Which components exist, and which of them the command line permits, for both loading and checking.

Source: docs/spec/RUNTIME.md, section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from alloypy.graph import codes, texts
from alloypy.schema.stability import Stability, admission, refusal
from alloypy.syntax.diagnostics import Diagnostic

if TYPE_CHECKING:
    from alloypy.schema.vocabulary import Vocabulary


class ComponentKind(Protocol):
    """What the graph needs to know about a kind of component."""

    @property
    def stability(self) -> Stability:
        """Its stability level."""
        ...

    @property
    def community(self) -> bool:
        """Whether it is a community component, to which the stability gate does not apply."""
        ...

    @property
    def exports(self) -> type | None:
        """The declared class of its exports."""
        ...


class Gate(NamedTuple):
    """What the command line permits."""

    stability: Stability = Stability.GENERALLY_AVAILABLE
    community: bool = False


_OWN = "alloypy."
"""The names of components that only alloypy has begin like this."""


class Gates(NamedTuple):
    """Which kinds of component exist, and which of them the command line permits.

    vocabulary: everything else in Alloy.
    """

    registry: Mapping[str, ComponentKind]
    gate: Gate
    vocabulary: Vocabulary

    def refused(self, name: str) -> Diagnostic | None:
        """Why the component `name` cannot be used, as a diagnostic without a place; None if it can."""
        kind = self.registry.get(name)
        if kind is None:
            if self.vocabulary.component(name) is not None:
                hint = texts.NOT_RUN_HINT
                return Diagnostic(None, texts.not_run(name), codes.UNKNOWN_COMPONENT, hint=hint)
            unknown = Diagnostic(None, texts.unknown_component(name), codes.UNKNOWN_COMPONENT)
            return unknown._replace(hint=texts.ONLY_ALLOYPY_HINT) if self._is_own(name) else unknown
        if kind.community:
            out = None if self.gate.community else texts.community_component(name)
            return None if out is None else Diagnostic(None, out, codes.GATE)
        below = refusal(f'component "{name}"', kind.stability, self.gate.stability)
        if below is None:
            return None
        return Diagnostic(None, below, codes.GATE, hint=admission(kind.stability))

    def _is_own(self, name: str) -> bool:
        """Whether only alloypy may have the component, and what is checked for is Alloy."""
        return name.startswith(_OWN) and not any(each.startswith(_OWN) for each in self.registry)
