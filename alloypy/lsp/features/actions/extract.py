"""Moves components into a module of their own: a declare, and a component that takes their place."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.lsp.features.actions.action import EXTRACT, NO_FILE, Action, Asked, Lazy, RefusedError
from alloypy.lsp.features.actions.extracting.wiring import (
    Wiring,
    touched_statements,
    whole_blocks,
    wiring_of,
)
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.syntax.tree import Block

NAME = "extract"
_NOT_ALONE = frozenset({"declare", "foreach", "argument", "export"})


def extraction(asked: Asked) -> Iterator[Action]:
    """The action for the selected components; a user who asked for it is told why it cannot be done."""
    document = asked.document
    if asked.start == asked.stop and not (asked.invoked or asked.only):
        return
    if not _may_have_components(asked):
        return
    title = "Extract into a declare"
    lazy = Lazy(NAME, (asked.start, asked.stop))
    if not asked.invoked:
        yield Action(title, EXTRACT, lazy=lazy)
        return
    try:
        _wiring(asked.workspace, document.path, asked.start, asked.stop)
    except RefusedError as error:
        yield Action(title, EXTRACT, refused=str(error))
        return
    yield Action(title, EXTRACT, lazy=lazy)


def extracted(workspace: Workspace, path: str, start: int, stop: int) -> tuple[TextEdit, ...]:
    """The edits of the action, in all files of the configuration. Raises RefusedError."""
    from alloypy.lsp.features.actions.extracting.layout import laid_out
    from alloypy.lsp.features.actions.extracting.naming import module_name, port_names
    from alloypy.lsp.features.actions.extracting.writing import new_module, other_uses

    wiring = _wiring(workspace, path, start, stop)
    name = module_name(wiring, workspace.language(path))
    arguments, exports = port_names(wiring.inwards), port_names(wiring.outwards)
    module = new_module(wiring, name, arguments, exports)
    edits = [TextEdit(Range(path, module.start, module.end), module.text)]
    uses: dict[str, list[TextEdit]] = {}
    for use, text in other_uses(wiring, name, exports):
        found = TextEdit(Range(use.source.name, use.start, use.stop), text)
        uses.setdefault(use.source.name, []).append(found)
    for other, found_there in uses.items():
        document = workspace.document(other)
        edits += found_there if document is None else laid_out(document, found_there)
    return tuple(edits)


def _wiring(workspace: Workspace, path: str, start: int, stop: int) -> Wiring:
    documents = [workspace.document(each) for each in workspace.unit_of(path)]
    sources = [each.source for each in documents if each is not None]
    document = workspace.document(path)
    if document is None:
        raise RefusedError(NO_FILE)
    selection = _trimmed(document.data, start, stop)
    return wiring_of(sources, path, selection, workspace.language(path))


def _trimmed(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """The selection without blanks at its ends; a cursor stays as it is."""
    text = data[start:stop]
    if not text.strip():
        return start, start
    return start + len(text) - len(text.lstrip()), stop - len(text) + len(text.rstrip())


def _may_have_components(asked: Asked) -> bool:
    """Whether the selection begins and ends with blocks of the top level, as far as its sections show."""
    document = asked.document
    start, stop = _trimmed(document.data, asked.start, asked.stop)
    blocks: list[Block] = []
    for section in document.sections:
        if section.end < start or section.start > stop:
            continue
        here = max(start - section.start, 0), min(stop, section.end) - section.start
        if touched_statements(section.file, *here) != (found := whole_blocks(section.file, *here)):
            return False
        blocks += found
    return bool(blocks) and (asked.invoked or all(each.full_name not in _NOT_ALONE for each in blocks))
