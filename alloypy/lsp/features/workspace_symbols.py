"""Symbols of the workspace: what all its files declare, by parts of its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.ranges import Range
from alloypy.lsp.workspace.everywhere import Report, TooMuchError, documents, no_report
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.symbols import Kind
from alloypy.lsp.workspace.unit import Declared, Unit

_MOST = 1_000
"""How many symbols are returned; the best ones if there are more."""

_HEAD = re.compile(rb'([A-Za-z_\x80-\xff][\w.\x80-\xff]*)[^\n"{=]*(?:"([\w\x80-\xff]*)")?')
"""Anything that could be the name of a block, with its label."""


class Symbol(NamedTuple):
    """Something that is declared. inside: the declare or foreach that contains it, "" for none."""

    name: str
    kind: Kind
    range: Range
    inside: str


def symbols(project: Project, query: str, report: Report = no_report) -> tuple[Symbol, ...]:
    """What is declared in the workspace and has the letters of each word of the query in this order.

    Where the files are larger than what is read for a request, those of the rest are missing.
    """
    words = query.lower().split()
    found: list[tuple[int, Symbol]] = []
    try:
        for document in documents(project, b"", report):
            if _may_have(document, words):
                found += _in(document, words)
    except TooMuchError:
        pass
    found.sort(key=lambda each: (each[0], len(each[1].name), each[1].name, each[1].range))
    return tuple(symbol for _, symbol in found[:_MOST])


def _may_have(document: Document, words: list[str]) -> bool:
    """Whether it is worth to read the tree of a text."""
    heads = set(_HEAD.findall(document.data)) if words else ()
    return not words or any(
        distance(b".".join(head).decode("utf-8", "replace"), words) is not None for head in heads
    )


def _in(document: Document, words: list[str]) -> Iterator[tuple[int, Symbol]]:
    for declared in Unit([document]).declarations:
        name = declared.declaration.id
        found = distance(name, words) if declared.declaration.label else None
        if found is not None:
            place = declared.label_range or declared.name_range
            yield found, Symbol(name, declared.declaration.kind, place, _inside(declared))


def _inside(declared: Declared) -> str:
    owner = declared.declaration.scope.owner
    return owner.id if owner is not None else ""


def distance(name: str, words: list[str]) -> int | None:
    """How far a name is from a query; None if it does not fit. 0: its label is what was asked for."""
    lower = name.lower()
    label = lower.rpartition(".")[2]
    far = 0
    for word in words:
        if word == label:
            continue
        if label.startswith(word):
            far += 1
        elif word in lower:
            far += 2
        else:
            gaps = [each for each in (_gaps(label, word), _gaps(lower, word)) if each is not None]
            if not gaps:
                return None
            far += 3 + min(gaps)
    return far


def _gaps(name: str, word: str) -> int | None:
    """How many other letters are between those of the word; None if they are not there in this order."""
    at, first = -1, -1
    for letter in word:
        at = name.find(letter, at + 1)
        if at < 0:
            return None
        first = at if first < 0 else first
    return at + 1 - first - len(word)
