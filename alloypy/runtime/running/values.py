"""The values of one module: what its expressions see of components, arguments and the enclosing module.

Source: docs/spec/RUNTIME.md, sections 2.2, 5.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alloypy.graph import texts
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.values import Value, Variables


class OccupiedError(Exception):
    """Another value is where a node's exports belong; the text is Alloy's."""


class Values:
    """Exports, nested by the parts of their ids, on top of the module's variables."""

    def __init__(self, variables: Variables) -> None:
        self._variables: dict[str, Value] = _copied(variables)
        self._own_arguments = False

    def copy(self) -> Values:
        """Values that can be changed without changing these."""
        other = Values(self._variables)
        other._own_arguments = self._own_arguments
        return other

    def set_exports(self, node_id: str, exports: Mapping[str, Value]) -> None:
        """Let references to the node see its exports. Raises OccupiedError."""
        *outer, last = node_id.split(".")
        place = self._variables
        for part in outer:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise OccupiedError(texts.in_the_way(part, node_id))
            place = inner
        place[last] = exports

    def set_argument(self, label: str, value: Value) -> None:
        """Make this the value of `argument.LABEL.value`."""
        if not self._own_arguments:
            self._variables["argument"] = {}
            self._own_arguments = True
        self._variables["argument"][label] = {"value": value}

    def variables(self) -> dict[str, Value]:
        """A copy of everything, for a template that sees it."""
        return _copied(self._variables)

    def scope(self, stdlib: Scope) -> Scope:
        """The scope to evaluate in; it follows later changes."""
        return stdlib.child(self._variables)


def _copied(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if type(value) is dict else value for key, value in variables.items()}
