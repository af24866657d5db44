"""Whether the files of a directory are one configuration, judging by what they declare and name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from alloypy.graph.references import Chain, chains
from alloypy.syntax.tree import Block, File, Statement


def belong_together(files: Iterable[File]) -> bool:
    """Whether one of the files names something that only another of them declares."""
    parts = list(map(_Part, files))
    return any(part.needs(other) for part in parts for other in parts if other is not part)


class _Part:
    """One file of a directory: what it declares, and what it names and does not declare."""

    def __init__(self, file: File) -> None:
        blocks = [statement for statement in file.body if isinstance(statement, Block)]
        self._ids = set(map(_id, blocks))
        self._customs = set(map(_custom, blocks)) - {""}
        everywhere = list(_blocks(file.body, lambda block: True))
        own_ids, own_customs = set(map(_id, everywhere)), set(map(_custom, everywhere))
        self._named = [names for names in map(_beginnings, chains(file.body)) if own_ids.isdisjoint(names)]
        self._used = {block.name[0] for block in _blocks(file.body, _is_module)} - own_customs

    def needs(self, other: _Part) -> bool:
        """Whether this file names something that the other declares."""
        return not self._used.isdisjoint(other._customs) or any(
            not other._ids.isdisjoint(names) for names in self._named
        )


def _blocks(body: Iterable[Statement], inside: Callable[[Block], bool]) -> Iterator[Block]:
    """The blocks of a body, and those in each block that `inside` selects."""
    for statement in body:
        if isinstance(statement, Block):
            yield statement
            if inside(statement):
                yield from _blocks(statement.body, inside)


def _is_module(block: Block) -> bool:
    """Whether the blocks inside are components, too."""
    return block.name in {("declare",), ("foreach",), ("template",)}


def _id(block: Block) -> str:
    """How expressions name the block."""
    return ".".join([*block.name, block.label])


def _custom(block: Block) -> str:
    """The name that the block gives to components: the label of a declare or an import, "" for others."""
    return block.label if block.name == ("declare",) or block.name[0] == "import" else ""


def _beginnings(chain: Chain) -> list[str]:
    names = [part.name for part in chain]
    return [".".join(names[:length]) for length in range(1, len(names) + 1)]
