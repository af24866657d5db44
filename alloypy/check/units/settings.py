"""Finds the settings of a project: `.alloypy.toml`, or `[tool.alloypy]` in `pyproject.toml`.

The nearest one counts, looking upwards from the file that is checked; in one directory `.alloypy.toml` comes
first. Without settings nothing but this module is imported.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from alloypy.check.units.settings_error import OWN, SHARED
from alloypy.files import read_regular

if TYPE_CHECKING:
    from alloypy.check.units.settings_file import Settings

_TABLE = rb"tool\s*\.\s*[\"']?alloypy|\[\s*tool\s*\]"
"""How the table may be written; a file that only depends on alloypy has none."""


class Projects:
    """The settings of all directories.

    file: a file with settings for all of them, instead of the nearest one. isolated: use none at all.
    """

    def __init__(self, file: str = "", *, isolated: bool = False) -> None:
        self._known: dict[str, Settings | None] = {}
        self._file = file
        self._isolated = isolated

    def of(self, path: str) -> Settings | None:
        """The settings for a file or directory; None if there are none. Raises SettingsError."""
        if self._isolated:
            return None
        if self._file:
            return self._explicit()
        absolute = os.path.abspath(path)  # noqa: PTH100 -- links stay, as on the command line
        return self._nearest(absolute if os.path.isdir(absolute) else os.path.dirname(absolute))  # noqa: PTH112, PTH120

    def _explicit(self) -> Settings | None:
        if self._file not in self._known:
            from alloypy.check.units.settings_file import read_settings

            self._known[self._file] = read_settings(self._file, required=True)
        return self._known[self._file]

    def _nearest(self, directory: str) -> Settings | None:
        passed: list[str] = []
        found = None
        while directory not in self._known:
            passed.append(directory)
            found = _in(directory)
            above = os.path.dirname(directory)  # noqa: PTH120
            if found is not None or above == directory:
                break
            directory = above
        else:
            found = self._known[directory]
        self._known.update(dict.fromkeys(passed, found))
        return found


def _in(directory: str) -> Settings | None:
    """The settings in a directory, if it has any."""
    own = _shown(directory, OWN)
    if os.path.lexists(own) and not os.path.isdir(own):  # noqa: PTH112
        from alloypy.check.units.settings_file import read_settings

        return read_settings(own, required=True)
    shared = _shown(directory, SHARED)
    try:
        data = read_regular(shared)
    except OSError:
        return None
    if b"alloypy" not in data or not re.search(_TABLE, data):
        return None
    from alloypy.check.units.settings_file import read_settings

    return read_settings(shared)


def _shown(directory: str, name: str) -> str:
    """The path of a file as messages show it: relative if it is in the working directory or below."""
    path = os.path.join(directory, name)  # noqa: PTH118
    below = os.path.join(os.path.abspath(""), "")  # noqa: PTH100, PTH118
    return path.removeprefix(below)
