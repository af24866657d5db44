"""Values of environment variables, from the files that the settings of the project name; never secrets."""

from __future__ import annotations

from alloypy.lang.secrecy import hide, names_secret
from alloypy.lsp.cursor.place import Place
from alloypy.schema.spec import AttributeSpec
from alloypy.syntax.tree import Attribute

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


def shown_value(path: str, name: str) -> str | None:
    """The value of a variable as it may be shown, shortened; None if no file of the settings has it."""
    value = _variables(path).get(name)
    if value is None:
        return None
    shown = hide(value, name)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _variables(path: str) -> dict[str, str]:
    from alloypy.check.units.environment import EnvironmentFileError, read_environment
    from alloypy.check.units.settings import Projects
    from alloypy.check.units.settings_error import SettingsError

    found: dict[str, str] = {}
    try:
        settings = Projects().of(path)
        for file in settings.env_files if settings is not None else ():
            found |= read_environment(file)
    except (EnvironmentFileError, SettingsError, OSError, ValueError):
        return found  # the diagnostics say what is wrong with them
    return found
