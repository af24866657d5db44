"""How the blocks that are to be moved into a module are connected with all others of the configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from alloypy.check.blocks import BlockReader, root_scope
from alloypy.check.scope import CheckedNode, CheckedScope, Kinds, Language
from alloypy.graph.admission import Gate, Gates
from alloypy.graph.nodes import COMPONENT_KINDS, Kind, block_id
from alloypy.graph.references import Chain, chain_text, chains, resolve
from alloypy.graph.sections import root_sections
from alloypy.lsp.features.actions.action import RefusedError
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, File, Statement

_ANYTHING = Gate(Stability.EXPERIMENTAL, community=True)


class Use(NamedTuple):
    """An expression that names an export of a component: `names`, from `start` to before `stop` in `source`.

    target: the id of the component. export: the name of the export; "" if the expression names none.
    """

    source: Source
    start: int
    stop: int
    target: str
    export: str

    @property
    def value(self) -> str:
        """The export as an expression."""
        return f"{self.target}.{self.export}" if self.export else self.target


class Wiring(NamedTuple):
    """The connections of the moved blocks.

    file: the text that has them. start: where the selection begins. blocks: those blocks, in order. inwards:
    what they use of others. outwards: what others use of them. first_names: the first parts of all names in
    the configuration.
    """

    file: File
    start: int
    blocks: tuple[Block, ...]
    inwards: tuple[Use, ...]
    outwards: tuple[Use, ...]
    first_names: frozenset[str]


def touched_statements(file: File, start: int, stop: int) -> list[Statement]:
    """The statements of the top level that a selection touches, or in whose first line the cursor is."""
    if start < stop:
        return [each for each in file.body if each.start < stop and start <= each.end]
    return [
        each
        for each in file.body
        if isinstance(each, Block) and each.start <= start <= each.lcurly + 1 and each.lcurly < each.end
    ]


def whole_blocks(file: File, start: int, stop: int) -> list[Block]:
    """Those of these statements that are blocks; empty if the selection has only a part of one of them."""
    touched = touched_statements(file, start, stop)
    blocks = [each for each in touched if isinstance(each, Block)]
    whole = all(start <= each.start and each.end < stop for each in touched) or start == stop
    return blocks if whole and len(blocks) == len(touched) else []


def wiring_of(sources: Sequence[Source], path: str, selection: tuple[int, int], language: Language) -> Wiring:
    """The connections of the selected blocks of the file at `path`. Raises RefusedError.

    sources: all texts of the configuration.
    """
    allow_recursion()
    files = [_parsed(source) for source in sources]
    file = next((each for each in files if each.source.name == path), None)
    blocks = tuple(whole_blocks(file, *selection)) if file is not None else ()
    if file is None or not blocks:
        raise RefusedError("select one or more whole components")
    try:
        sections = root_sections(files)
    except DiagnosticsError as error:
        raise RefusedError(f"first mend the error: {error.diagnostics[0]}") from None
    components = {id(each.block) for each in sections.components}
    for block in blocks:
        _check_kind(block, components)
    root = root_scope(sections, BlockReader(language, Gates(Kinds(language), _ANYTHING, language.beyond)))
    wiring = _Reader(root, file, blocks).wiring(files)
    return wiring._replace(start=selection[0])


def _parsed(source: Source) -> File:
    try:
        return parse_file(source)
    except DiagnosticsError as error:
        raise RefusedError(f"first mend the error: {error.diagnostics[0]}") from None


def _check_kind(block: Block, components: Collection[int]) -> None:
    name = block_id(block)
    if id(block) not in components:
        raise RefusedError(f"`{name}` is not a component; select components only")
    if not block.label:
        raise RefusedError(f"`{name}` has no label")


class _Reader:
    """Reads the connections from the scopes of the check."""

    def __init__(self, root: CheckedScope, file: File, blocks: tuple[Block, ...]) -> None:
        self._root = root
        self._file = file
        self._blocks = blocks
        chosen = {id(block) for block in blocks}
        self._moved = {node.id: node for node in root.nodes if id(node.block) in chosen}
        self._needs: dict[str, set[str]] = {}
        self._names: set[str] = set()

    def wiring(self, files: Iterable[File]) -> Wiring:
        """The connections. Raises RefusedError if the blocks cannot be moved without changing anything."""
        moved = set(map(block_id, self._blocks))
        for node in self._root.nodes:
            written = block_id(node.block)
            if written in moved and (node.id != written or node.id not in self._moved):
                raise RefusedError(f"`{written}` is declared more than once")
        inwards = [use for node in self._moved.values() for use in self._inwards(node)]
        outwards = [use for node in self._root.nodes if node.id not in self._moved for use in self._of(node)]
        self._check_cycle({use.target for use in inwards} | self._imports())
        for file in files:
            self._names.update(_first_names(file))
        start = self._blocks[0].start
        return Wiring(
            self._file, start, self._blocks, tuple(inwards), tuple(outwards), frozenset(self._names)
        )

    def _inwards(self, node: CheckedNode) -> Iterator[Use]:
        """What a block that is moved uses of blocks that are not."""
        for chain in chains(node.body):
            self._names.add(chain[0].name)
            reference = resolve(chain, self._root.graph)
            if reference is None:
                if chain[0].name in {"argument", "export"}:
                    raise RefusedError(f"`{chain_text(chain)}` means something else in a module")
                continue
            if reference.target.id in self._moved:
                continue
            if reference.target.kind not in COMPONENT_KINDS - {Kind.FOREACH}:
                raise RefusedError(f"`{chain_text(chain)}` has no meaning in a module")
            yield _use(node.source, chain, reference.target.id, reference.rest)

    def _of(self, node: CheckedNode) -> Iterator[Use]:
        """What a block that stays uses of those that are moved; notes what else it needs."""
        waiting = [(node, self._root)]
        while waiting:
            inner, scope = waiting.pop()
            for chain in chains(inner.body):
                self._names.add(chain[0].name)
                reference = resolve(chain, scope.graph)
                if reference is None or self._root.find(reference.target.id) is not reference.target:
                    continue
                self._needs.setdefault(node.id, set()).add(reference.target.id)
                if reference.target.id in self._moved:
                    yield _use(inner.source, chain, reference.target.id, reference.rest)
            if inner.inner is not None and inner.kind is Kind.FOREACH:
                template = inner.inner
                waiting += [(each, template) for each in template.nodes]

    def _imports(self) -> set[str]:
        """The imports whose components the moved blocks are or contain."""
        found: set[str] = set()
        waiting = list(self._moved.values())
        seen: set[int] = set()
        while waiting:
            custom = self._root.custom(waiting.pop().block.name[0])
            if custom is None or id(custom) in seen:
                continue
            seen.add(id(custom))
            if custom.kind is Kind.IMPORT:
                found.add(custom.id)
            elif custom.inner is not None:
                waiting += custom.inner.nodes
        return found

    def _check_cycle(self, used: Collection[str]) -> None:
        """Raise RefusedError if something between the moved blocks stays: the module would need itself."""
        waiting, seen = sorted(used), set(used)
        while waiting:
            node_id = waiting.pop()
            needs = self._needs.get(node_id, set())
            if not needs.isdisjoint(self._moved):
                raise RefusedError(
                    f"`{node_id}` is used by the selected blocks and uses them: select it, too"
                )
            waiting += needs - seen
            seen |= needs


def _use(source: Source, chain: Chain, target: str, rest: tuple[str, ...]) -> Use:
    """The use of a component by a chain, of which the names after the export stay as they are."""
    last = chain[len(chain) - len(rest)] if rest else chain[-1]
    start, stop = chain[0].start, last.end + 1
    written = source.data[start:stop]
    if b"/" in written:
        raise RefusedError(f"there is a comment inside of `{target}`")
    return Use(source, start, stop, target, rest[0] if rest else "")


def _first_names(file: File) -> Iterator[str]:
    """The first parts of the names of all blocks, at any depth, and the labels of those that name others."""
    waiting = list(file.body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, Block):
            yield statement.name[0]
            if statement.name == ("declare",) or statement.name[0] == "import":
                yield statement.label
            waiting += statement.body
