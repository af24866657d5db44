"""Whether the files of a directory are one configuration, judging by what they declare and name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from alloypy.graph.references import Chain, chains
from alloypy.syntax.tree import Block, File, Statement


def belong_together(files: Iterable[File]) -> bool:
    """Whether one of the files names something that only another of them declares."""
    return together(list(map(Part.of, files)))


def together(parts: Sequence[Part]) -> bool:
    """Whether one of the parts names something that only another of them declares."""
    return any(part.needs(other) for part in parts for other in parts if other is not part)


class Part(NamedTuple):
    """One file of a directory: what it declares, and what it names.

    ids, customs: of the blocks of its top level, and the names that they give to components. all_ids,
    all_customs: the same with the blocks inside. named: the beginnings of what expressions name. used: the
    first parts of the names of its components.
    """

    ids: frozenset[str]
    customs: frozenset[str]
    all_ids: frozenset[str]
    all_customs: frozenset[str]
    named: frozenset[tuple[str, ...]]
    used: frozenset[str]

    @classmethod
    def of(cls, file: File) -> Part:
        """What a file, or a section of one, declares and names."""
        blocks = [statement for statement in file.body if isinstance(statement, Block)]
        everywhere = list(_blocks(file.body, lambda block: True))
        return cls(
            frozenset(map(_id, blocks)),
            frozenset(map(_custom, blocks)) - {""},
            frozenset(map(_id, everywhere)),
            frozenset(map(_custom, everywhere)),
            frozenset(map(_beginnings, chains(file.body))),
            frozenset(block.name[0] for block in _blocks(file.body, _is_module)),
        )

    @classmethod
    def joined(cls, parts: Iterable[Part]) -> Part:
        """What the sections of a file declare and name together."""
        return cls(*(frozenset().union(*values) for values in zip(*parts, strict=True)))

    def needs(self, other: Part) -> bool:
        """Whether this file names something that the other declares, and does not declare it itself."""
        return not (self.used - self.all_customs).isdisjoint(other.customs) or any(
            not other.ids.isdisjoint(names) and self.all_ids.isdisjoint(names) for names in self.named
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


def _beginnings(chain: Chain) -> tuple[str, ...]:
    names = [part.name for part in chain]
    return tuple(".".join(names[:length]) for length in range(1, len(names) + 1))
