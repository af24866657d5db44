"""Quick fixes: the repairs that diagnostics suggest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.lsp.features.actions.action import QUICK_FIX, Action, Asked, text_edits
from alloypy.lsp.features.actions.titles import title
from alloypy.syntax.diagnostics import Diagnostic, Edit

_MEANT = re.compile(r"did you mean `([^`]+)`")
_WHICH = re.compile(r"which one: (.*)\?")
_QUOTED = re.compile(r"`([^`]+)`")
_NAMES = re.compile(rb"\w+(?:\.\w+)*")


def quick_fixes(asked: Asked) -> Iterator[Action]:
    """The repairs of the diagnostics at the selection; the only repair of one is preferred."""
    for found in asked.here:
        if found.fix:
            yield _fix(found, asked, found.fix, title(found, asked.document.data), preferred=True)
            continue
        names = _alternatives(found.hint)
        for name in names:
            edit = _renaming(found, asked.document.data, name)
            if edit is not None:
                yield _fix(found, asked, (edit,), f"Change to `{name}`", preferred=len(names) == 1)


def _fix(found: Diagnostic, asked: Asked, edits: tuple[Edit, ...], name: str, *, preferred: bool) -> Action:
    made = text_edits(asked.document.path, edits)
    return Action(name, QUICK_FIX, made, (found,), preferred=preferred)


def _alternatives(hint: str) -> list[str]:
    """The names that a hint without a change proposes."""
    meant, which = _MEANT.match(hint), _WHICH.fullmatch(hint)
    if meant is not None:
        return [meant[1]]
    return _QUOTED.findall(which[1]) if which is not None else []


def _renaming(found: Diagnostic, data: bytes, name: str) -> Edit | None:
    """The change that puts a dotted name in place of the beginning of the written one."""
    written = _NAMES.match(data, found.span.start) if found.span is not None else None
    if written is None:
        return None
    parts, wanted = written[0].split(b"."), name.split(".")
    rest = b".".join(parts[len(wanted) :])
    stop = written.end() - len(rest) - (1 if rest else 0)
    return Edit(written.start(), stop, name)
