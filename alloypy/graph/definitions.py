"""Definitions: the custom components that a module can use, and the names that its expressions know.

Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from alloypy.lang.values import Variables
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Statement

MAX_MODULES = 100
"""How deeply modules may be nested: custom components and the items of a foreach, one in the other."""

TOO_MANY_MODULES = f"modules are nested more than {MAX_MODULES} levels deep"


class Template(NamedTuple):
    """The body of a `declare` block or of a foreach's `template`, and the text that contains it."""

    body: Sequence[Statement]
    source: Source


class Definitions:
    """The definitions of one module.

    parent: those of the enclosing module; None for the root and for imported content.
    variables: names beyond the standard library, mainly `module_path`.
    declares: templates by label. imports: content by import label, None while it has not been read.
    """

    def __init__(self, parent: Definitions | None, variables: Variables) -> None:
        self.parent = parent
        self.variables = variables
        self.declares: dict[str, Template] = {}
        self.imports: dict[str, Definitions | None] = {}

    def _outwards(self) -> Iterator[Definitions]:
        """These definitions, then those of each enclosing module."""
        here: Definitions | None = self
        while here is not None:
            yield here
            here = here.parent

    def is_custom(self, first: str) -> bool:
        """Whether a block whose name starts with `first` is a custom component."""
        return any(first in here.declares or first in here.imports for here in self._outwards())

    def find(self, namespace: str, name: str) -> tuple[Template, Definitions] | None:
        """The template of a custom component, and the definitions that it sees; the innermost wins.

        A declare without any statement cannot be instantiated, as in Alloy.
        """
        for here in self._outwards():
            home = here.imports.get(namespace) if namespace else here
            if home is not None and name in home.declares:
                template = home.declares[name]
                return (template, home) if template.body else None
        return None

    def known(self, namespace: str) -> list[str]:
        """The names that `find` can find in a namespace."""
        homes = (here.imports.get(namespace) if namespace else here for here in self._outwards())
        return [name for home in homes if home is not None for name in home.declares]


def imported_definitions(
    module_path: str, declares: Mapping[str, Template], imports: Mapping[str, Definitions | None]
) -> Definitions:
    """Definitions of imported content, which cannot see the module that imports it."""
    definitions = Definitions(None, {"module_path": module_path})
    definitions.declares.update(declares)
    definitions.imports.update(imports)
    return definitions
