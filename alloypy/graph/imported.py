"""Imported content: the declares and imports of a parsed module, and what makes a module invalid.

Both loading and checking read modules with this, so that a name means the same to both.
Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from alloypy.graph.definitions import Template
from alloypy.graph.nodes import IMPORT_NAMES
from alloypy.graph.sections import Placed
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Block, Statement

MAX_DEPTH = 30
"""How deeply imports may be nested in imported content."""

MAX_IMPORTS = 1000
"""How many imports may be read for one import block of a module, on all levels together."""

_ONLY = "only declare and import blocks are allowed in a module"


class UnfitError(ValueError):
    """A module contains something that is not allowed, at `span`; the text is Alloy's."""

    def __init__(self, message: str, statement: Statement, source: Source) -> None:
        self.span = Span(source, statement.start, statement.end)
        super().__init__(message)


class Tally:
    """Counts the imports that one import block of a module has led to since its content was last read."""

    def __init__(self) -> None:
        self._imports = 0

    def refused(self, identity: str, around: Collection[str]) -> str:
        """Why an import inside content must not be read; if it may, counts it and returns "".

        identity: of the content it names. around: identities of all content that encloses it.
        """
        if identity in around:
            return "the content imports itself"
        if len(around) > MAX_DEPTH:
            return f"imports are nested more than {MAX_DEPTH} levels deep"
        if self._imports >= MAX_IMPORTS:
            return f"the content leads to more than {MAX_IMPORTS} imports"
        self._imports += 1
        return ""

    def take(self, imports: int) -> bool:
        """Count imports that were read before; if that exceeds the limit, counts none and returns False."""
        fits = self._imports + imports <= MAX_IMPORTS
        self._imports += imports if fits else 0
        return fits

    @property
    def imports(self) -> int:
        """The number of imports counted."""
        return self._imports


class Content:
    """The declares and imports of a module, collected file by file up to the first fault.

    declares: the first of each label. imports: in source order; each label once.
    redefined: called with every declare whose label is taken, which is ignored.
    """

    def __init__(self, owner: str, name: str, redefined: Callable[[Placed], None]) -> None:
        """owner: id of the import block with this content. name: the block's name, such as `import.file`."""
        self.declares: dict[str, Placed] = {}
        self.imports: dict[str, Placed] = {}
        self._owner = owner
        self._remote = name == "import.http"
        self._redefined = redefined

    @property
    def templates(self) -> dict[str, Template]:
        """The templates of the declares by label."""
        return {label: Template(block.body, source) for label, (block, source) in self.declares.items()}

    def add(self, statement: Statement, source: Source) -> None:
        """Add the next statement of a file. Raises UnfitError if it is not allowed."""
        if not isinstance(statement, Block):
            raise UnfitError(_ONLY, statement, source)
        name = statement.full_name
        if name == "declare":
            self._declare(Placed(statement, source))
        elif name in IMPORT_NAMES:
            self._import(Placed(statement, source))
        else:
            raise UnfitError(f"{_ONLY}, got {name}", statement, source)

    def _declare(self, placed: Placed) -> None:
        if placed.block.label in self.declares:
            self._redefined(placed)
        else:
            self.declares[placed.block.label] = placed

    def _import(self, placed: Placed) -> None:
        block, source = placed
        if block.label in self.imports:
            raise UnfitError(f"import block redefined {block.label}", block, source)
        if self._remote and block.full_name == "import.file":
            raise UnfitError(
                f"importing a module via import.http (nodeID: {self._owner}) "
                "that contains an import.file block is not supported",
                block,
                source,
            )
        self.imports[block.label] = placed
