"""The names an expression can refer to.

Source: docs/spec/SYNTAX.md, section 5, identifiers.
"""

from __future__ import annotations

from collections.abc import Mapping

from alloypy.lang.values import Value


class Scope:
    """Variables by name, hiding those of a parent scope.

    variables: name -> value.
    parent: searched for names that are not in `variables`; the outermost scope is the standard library's,
        `alloypy.lang.stdlib.Stdlib`.
    """

    __slots__ = ("parent", "variables")

    def __init__(self, variables: Mapping[str, Value], parent: Scope | None = None) -> None:
        self.variables = variables
        self.parent = parent

    def lookup(self, name: str) -> Value:
        """The value of `name`. Raises KeyError."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return True
            scope = scope.parent
        return False

    def child(self, variables: Mapping[str, Value]) -> Scope:
        """A scope with `variables` whose parent is this one."""
        return Scope(variables, self)
