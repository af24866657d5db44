"""Slips in valid configurations, by kind: what people leave out, misspell or mix up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.graph.nodes import block_id
from alloypy.graph.references import Chain, chain_text, chains
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, Statement


class Slip(NamedTuple):
    """A text with one slip."""

    kind: str
    text: bytes


def slips(text: bytes) -> list[Slip]:
    """Every slip of a configuration of one file."""
    return list(_Slips(text).all())


_BY_PATTERN = (
    ("colon", r" *= *", lambda text: ": "),
    ("no equals sign", r" *= *", lambda text: " "),
    ("single quotes", r'"[^"\n]*"', lambda text: f"'{text[1:-1]}'"),
    ("no quotes", r'"[^"\n]*"', lambda text: text[1:-1]),
    ("no closing quote", r'"[^"\n]*"', lambda text: text[:-1]),
    ("no opening quote", r'"[^"\n]*"', lambda text: text[1:]),
    ("no comma", r",", lambda text: ""),
    ("no closing bracket", r"[\]})]", lambda text: ""),
    ("no opening bracket", r"[\[{(]", lambda text: ""),
    ("semicolon", r"\n", lambda text: ";\n"),
    ("comma at the end", r"\n", lambda text: ",\n"),
    ("number sign", r"\n", lambda text: " # why\n"),
    ("brace on the next line", r" \{\n", lambda text: "\n{\n"),
)  # fmt: skip


def syntax_slips(text: bytes) -> list[Slip]:
    """A slip of each kind wherever the text allows it; some are not mistakes."""
    written = text.decode()
    return [
        Slip(kind, (written[: match.start()] + change(match[0]) + written[match.end() :]).encode())
        for kind, pattern, change in _BY_PATTERN
        for match in re.finditer(pattern, written)
    ]


class _Slips:
    def __init__(self, text: bytes) -> None:
        self._text = text
        self._file = parse_file(Source("config.alloy", text))

    def all(self) -> Iterator[Slip]:
        blocks = [each for each in self._file.body if isinstance(each, Block)]
        ids = {block_id(block): block for block in blocks}
        for block in blocks:
            yield from self._component(block)
            yield from self._body(block.body)
            for chain in chains(block.body):
                names = chain_text(chain).split(".")
                for length in range(2, len(names)):
                    target = ids.get(".".join(names[:length]))
                    if target is not None:
                        yield from self._reference(chain, block, target)

    def _put(self, kind: str, start: int, end: int, by: str) -> Slip:
        return Slip(kind, self._text[:start] + by.encode() + self._text[end:])

    def _component(self, block: Block) -> Iterator[Slip]:
        name_end = block.name_end + 1
        yield self._put("component", block.start, name_end, _misspelt(block.full_name))
        if block.label_start is not None:
            yield self._put("no label", name_end, block.lcurly, " ")

    def _body(self, body: list[Statement]) -> Iterator[Slip]:
        for statement in body:
            if isinstance(statement, Attribute):
                name = statement.name
                yield self._put("attribute", name.start, name.end + 1, _misspelt(name.name))
            else:
                name_end = statement.name_end + 1
                yield self._put("block", statement.start, name_end, _misspelt(statement.full_name))
                values = [each for each in statement.body if isinstance(each, Attribute)]
                if len(values) == len(statement.body):
                    written = [self._text[each.start : each.end + 1].decode() for each in values]
                    fields = ", ".join(written)
                    yield self._put("block with =", name_end, statement.end + 1, f" = {{{fields}}}")
                yield from self._body(statement.body)

    def _reference(self, chain: Chain, block: Block, target: Block) -> Iterator[Slip]:
        start, end = chain[0].start, chain[-1].end + 1
        name, label, export = target.full_name, target.label, chain[-1].name
        yield self._put("quoted", start, end, f'"{name}.{label}.{export}"')
        yield self._put("label left out", start, end, f"{name}.{export}")
        yield self._put("export left out", start, end, f"{name}.{label}")
        yield self._put("export misspelt", start, end, f"{name}.{label}.{_misspelt(export)}")
        yield self._put("label misspelt", start, end, f"{name}.{_misspelt(label)}.{export}")
        yield self._put("reference misspelt", start, end, f"{_misspelt(name)}.{label}.{export}")
        yield self._put("capitals", start, end, f"{name.title()}.{label}.{export}")
        yield self._put("itself", start, end, f"{block_id(block)}.{export}")
        yield self._put("other export", start, end, f"{name}.{label}.output")


def _misspelt(word: str) -> str:
    """Swap two letters in the middle; if they are equal, repeat the last letter."""
    at = len(word) // 2
    swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return swapped if swapped != word and at else word + word[-1]
