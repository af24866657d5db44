"""Which files form one configuration: as settings say, else as `validate --units=auto` decides.

Unlike there, a text that is broken, as it is while it is typed, counts with what can be read of it: one fault
does not change which files belong together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from alloypy.check.units.belonging import Part, together
from alloypy.lsp.documents.document import Document
from alloypy.syntax.tree import File

SUFFIX = ".alloy"
_MOST_FILES = 200
"""In a directory with more files, each is judged alone unless settings say otherwise."""


class _Verdict(NamedTuple):
    """Whether the files of a directory belong together, as long as their texts are these."""

    texts: tuple[Document, ...]
    together: bool


class Grouping:
    """The units of files. document: returns the text at a path."""

    def __init__(self, document: Callable[[str], Document | None]) -> None:
        self._document = document
        self._known: dict[str, _Verdict] = {}
        self._parts: dict[str, tuple[Document, Part]] = {}

    def files_in(self, directory: str, opened: Iterable[str]) -> tuple[str, ...]:
        """The files of a directory's configuration: on the disk, and open but not saved yet."""
        found = {path for path in opened if os.path.dirname(path) == directory}  # noqa: PTH120
        try:
            with os.scandir(directory) as listing:
                found |= {
                    entry.path for entry in listing if entry.name.endswith(SUFFIX) and not entry.is_dir()
                }
        except (OSError, ValueError):
            pass
        return tuple(sorted(path for path in found if path.endswith(SUFFIX)))

    def belong_together(self, directory: str, files: tuple[str, ...]) -> bool:
        """Whether the files of a directory are one configuration."""
        if not 2 <= len(files) <= _MOST_FILES:
            return False
        texts = tuple(each for each in map(self._document, files) if each is not None)
        known = self._known.get(directory)
        same = known is not None and len(known.texts) == len(texts)
        if (
            known is None
            or not same
            or any(one is not two for one, two in zip(known.texts, texts, strict=True))
        ):
            known = self._known[directory] = _Verdict(texts, self._together(texts, known))
        return known.together

    def _together(self, texts: tuple[Document, ...], before: _Verdict | None) -> bool:
        """Whether texts belong together; those that did not before are not compared again with each other."""
        parts = [self._part(each) for each in texts]
        if before is None or before.together:
            return together(parts)
        old = set(map(id, before.texts))
        changed = [part for part, text in zip(parts, texts, strict=True) if id(text) not in old]
        return any(
            one.needs(other) or other.needs(one) for one in changed for other in parts if other is not one
        )

    def _part(self, document: Document) -> Part:
        known = self._parts.get(document.path)
        if known is None or known[0] is not document:
            part = Part.joined(section.kept(_part_of) for section in document.sections)
            known = self._parts[document.path] = document, part
        return known[1]


def _part_of(file: File) -> Part:
    return Part.of(file)
