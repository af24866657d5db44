"""Ignores a rule in the settings of the project."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from alloypy.check.units.settings import Projects
from alloypy.check.units.settings_error import OWN, SHARED, SettingsError
from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.lsp.features.actions.action import QUICK_FIX, Action, Asked
from alloypy.lsp.features.actions.ignoring import is_ignorable
from alloypy.syntax.diagnostics import Diagnostic, Edit, edited

_TABLE = re.compile(r"^\s*\[\s*tool\s*\.\s*alloypy\s*\]\s*(?:#.*)?$", re.MULTILINE)
_ANY_TABLE = re.compile(r"^\s*\[", re.MULTILINE)
_KEY = re.compile(r"^[ \t]*ignore[ \t]*=[ \t]*\[", re.MULTILINE)
_PIECE = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|#[^\n]*|\]")


def ignoring_everywhere(asked: Asked, *, can_create: bool) -> Iterator[Action]:
    """For each warning at the selection, the action that ignores its code in the settings.

    can_create: whether the client can create a file, for a project without settings.
    """
    mends = {each.code: each for each in asked.here if is_ignorable(each)}
    if not mends:
        return
    try:
        settings = Projects().of(asked.document.path)
    except SettingsError:
        return
    if settings is None:
        if can_create and Path(asked.document.path).is_absolute():
            path = _new_file(asked.document.path)
            for code, found in mends.items():
                edit = TextEdit(Range(path, 0, 0), f'ignore = ["{code}"]\n')
                yield _action(code, path, (edit,), found)._replace(creates=(path,))
        return
    path = str(Path(settings.directory, Path(settings.path).name))
    document = asked.workspace.document(path)
    if document is None:
        return
    for code, found in mends.items():
        made = _ignoring(document.data, code, shared=Path(path).name == SHARED)
        if made is not None:
            edit = TextEdit(Range(path, made.start, made.end), made.text)
            yield _action(code, path, (edit,), found)


def _action(code: str, path: str, edits: tuple[TextEdit, ...], found: Diagnostic) -> Action:
    return Action(f"Ignore {code} in {Path(path).name}", QUICK_FIX, edits, (found,))


def _new_file(path: str) -> str:
    """Where the settings of a project without any belong: beside its `.git`, else beside the file."""
    own = Path(path).parent
    above = (own, *own.parents)
    top = next((each for each in above if os.path.exists(each / ".git")), own)  # noqa: PTH110 -- never raises
    return str(top / OWN)


def _ignoring(data: bytes, code: str, *, shared: bool) -> Edit | None:
    """The change of a settings file that adds a code to `ignore`; None if it cannot be made safely."""
    try:
        text = data.decode()
        before = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return None
    begin = 0
    if shared:
        table = _TABLE.search(text)
        if table is None:
            return None
        begin = min(table.end() + 1, len(text))
    following = _ANY_TABLE.search(text, begin)
    stop = following.start() if following is not None else len(text)
    edit = _added(text, _KEY.search(text, begin, stop), code) or Edit(begin, begin, f'ignore = ["{code}"]\n')
    at, end = (len(text[:offset].encode()) for offset in edit[:2])
    made = Edit(at, end, edit.text)
    try:
        after = tomllib.loads(edited(data, [made]).decode())
    except tomllib.TOMLDecodeError:
        return None
    old, new = (each["tool"]["alloypy"] if shared else each for each in (before, after))
    return made if new == {**old, "ignore": [*old.get("ignore", []), code]} else None


def _added(text: str, key: re.Match[str] | None, code: str) -> Edit | None:
    """The change that adds a code after the last string of a list; offsets count characters."""
    if key is None:
        return None
    last = None
    for piece in _PIECE.finditer(text, key.end()):
        if piece[0] == "]":
            break
        if piece[0][0] != "#":
            last = piece.end()
    return Edit(key.end(), key.end(), f'"{code}"') if last is None else Edit(last, last, f', "{code}"')
