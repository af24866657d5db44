"""Values of environment variables, from the files that the settings of the project name; never secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alloypy.lang.secrecy import hide, names_secret
from alloypy.lsp.cursor.place import Place
from alloypy.schema.spec import AttributeSpec
from alloypy.syntax.tree import Attribute

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace

_LONGEST = 60


def named_at(place: Place) -> str:
    """The variable whose name is at a place, unless its value becomes a secret there; else ""."""
    call, statement = place.call, place.statement
    if call is None or call.name not in {"sys.env", "env"} or call.number:
        return ""
    member = place.member
    if isinstance(member, AttributeSpec) and member.secret:
        return ""
    names = [each.block.label for each in place.blocks if each.block.full_name == "argument"]
    names += [statement.name.name] if isinstance(statement, Attribute) else []
    if any(map(names_secret, names)):
        return ""
    return place.document.data[place.start : place.stop].decode("utf-8", "replace")


def shown_value(workspace: Workspace, path: str, name: str) -> str | None:
    """The value of a variable as it may be shown, shortened; None if no file of the settings has it."""
    value = workspace.environment(path).get(name)
    if value is None:
        return None
    shown = hide(value, name)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
