"""Reads a file with the settings of a project.

Everything in it is relative to the directory of the file. A key that is unknown, or a value that does not
fit, is an error: settings that are silently ignored would let a faulty configuration pass.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.check.lint.selecting import SelectionError, Selectors, choose, selectors
from alloypy.check.units.ignore_rules import IgnoreRules
from alloypy.check.units.settings_error import SHARED, SettingsError
from alloypy.files import read_regular
from alloypy.os_errors import system_words
from alloypy.schema.nearest import did_you_mean
from alloypy.schema.stability import Stability

_LEVELS = {level.text: level for level in Stability}
_PROGRAMS = ("alloy", "alloypy")


class PerFile(NamedTuple):
    """Codes that are ignored in some files."""

    files: IgnoreRules
    codes: tuple[str, ...]


class Settings(NamedTuple):
    """The settings of a project; None, or nothing, for what it does not set.

    path: the file. directory: its directory, absolute. alloy_version: of the Alloy that runs the
    configurations. program: `alloy` or `alloypy`. stability: the lowest level to allow. community: whether
    community components are allowed. selectors: of lint rules. env_files: absolute paths of files with
    environment variables. exclude: files that are left out. units: files and directories that are
    configurations. per_file: codes that are ignored in some files. version_place: file and line of
    alloy_version.
    """

    path: str
    directory: str
    alloy_version: str | None = None
    program: str | None = None
    stability: Stability | None = None
    community: bool | None = None
    selectors: Selectors = Selectors()
    env_files: tuple[str, ...] = ()
    exclude: IgnoreRules = IgnoreRules(())
    units: IgnoreRules = IgnoreRules(())
    per_file: tuple[PerFile, ...] = ()
    version_place: str = ""

    def excludes(self, path: str) -> bool:
        """Whether a path, or a directory above it, is excluded."""
        return bool(self.exclude) and _covers(self.exclude, self._relative(path))

    def unit_of(self, file: str) -> str | None:
        """The configuration that a file belongs to: the file, its directory, or None if units do not say."""
        relative = self._relative(file)
        if self.units.verdict(relative, directory=False):
            return file
        directory = os.path.dirname(file)  # noqa: PTH120 -- keeps `./`
        if self.is_unit(directory or "."):
            return directory or "."
        return None

    def is_unit(self, directory: str) -> bool:
        """Whether a directory is one configuration."""
        return bool(self.units.verdict(self._relative(directory), directory=True))

    def ignored_in(self, file: str) -> frozenset[str]:
        """The codes that are ignored in a file."""
        relative = self._relative(file)
        return frozenset(
            code for each in self.per_file if _covers(each.files, relative) for code in each.codes
        )

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self.directory).replace(os.sep, "/")


def _covers(rules: IgnoreRules, path: str) -> bool:
    """Whether the rules match a file or a directory above it."""
    names = path.split("/")
    return any(
        rules.verdict("/".join(names[:count]), directory=count < len(names))
        for count in range(1, len(names) + 1)
    )


_LARGEST_BYTES = 1 << 18
"""More holds up an editor for seconds."""


def read_settings(path: str, *, required: bool = False) -> Settings | None:
    """The settings in a file; None if a `pyproject.toml` has none and they are not required.

    Raises SettingsError.
    """
    try:
        data = read_regular(path)
        if len(data) > _LARGEST_BYTES:
            raise SettingsError(f"{path}: settings are larger than {_LARGEST_BYTES >> 10} KB")
        text = data.decode("utf-8")
        content: Mapping[str, Any] = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"open {path}: {system_words(error)}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise _broken(path, text, str(error)) from None
    except RecursionError:
        raise _broken(path, text, "nested too deeply") from None
    reader = _Reader(path, text)
    if Path(path).name == SHARED:
        tool = content.get("tool", {})
        if not isinstance(tool, Mapping) or "alloypy" not in tool:
            if required:
                raise SettingsError(f"{path} has no table [tool.alloypy]")
            return None
        content = tool["alloypy"]
        if not isinstance(content, Mapping):
            raise reader.fault("alloypy", "a table")
    return reader.settings(content)


def given_settings(content: Mapping[str, Any], directory: str) -> Settings:
    """Settings that do not come from a file, such as those of an editor, for a directory.

    Raises SettingsError.
    """
    return _Reader(str(Path(directory, "the settings of the editor")), "").settings(content)


def _broken(path: str, text: str, message: str) -> SettingsError:
    """The error for a file that is not TOML."""
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    if place is None:
        return SettingsError(f"{path}: {message}")
    line = place[1] or text.rstrip().count("\n") + 1
    what = message[: place.start()] + ("" if place[1] else " at the end of the file")
    return SettingsError(f"{path}:{line}: {what}")


class _Reader:
    """Reads the values of one file."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text
        self._directory = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120

    def settings(self, content: Mapping[str, Any]) -> Settings:
        """The settings in the table."""
        readers: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
            "alloy-version": ("alloy_version", self._string),
            "for": ("program", lambda key, value: self._choice(key, value, _PROGRAMS)),
            "stability-level": (
                "stability",
                lambda key, value: _LEVELS[self._choice(key, value, tuple(_LEVELS))],
            ),
            "community-components": ("community", self._bool),
            "env-files": ("env_files", self._paths),
            "exclude": ("exclude", self._patterns),
            "units": ("units", self._patterns),
            "per-file-ignores": ("per_file", self._per_file),
        }
        codes = {"select", "extend-select", "ignore"}
        values: dict[str, Any] = {}
        for key, value in content.items():
            if key in readers:
                field, read = readers[key]
                values[field] = read(key, value)
            elif key == "tool" and isinstance(value, Mapping) and "alloypy" in value:
                hint = "leave out [tool.alloypy], which is for pyproject.toml"
                raise SettingsError(f"{self._place('alloypy')}: {self._path} holds settings only", hint)
            elif key not in codes:
                hint = did_you_mean(key, [*readers, *codes])
                raise SettingsError(f"{self._place(key)}: unknown setting {key}", hint)
        if values.get("program") == "alloypy" and "alloy_version" in values:
            message = (
                f'{self._place("alloy-version")}: alloy-version is about Alloy, and for = "alloypy" is not'
            )
            raise SettingsError(message, "leave out one of the two")
        return Settings(
            self._path,
            self._directory,
            selectors=self._selectors(content),
            version_place=self._place("alloy-version") if "alloy_version" in values else "",
            **values,
        )

    def fault(self, key: str, wanted: str) -> SettingsError:
        """The error for a value of the wrong kind."""
        return SettingsError(f"{self._place(key)}: {key} must be {wanted}")

    def _place(self, key: str) -> str:
        """The file, and the line of a key if it is found."""
        line = re.search(rf"^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[=.]", self._text, re.MULTILINE)
        table = re.search(rf"^[ \t]*\[[^\]\n]*\b{re.escape(key)}[\"']?\]", self._text, re.MULTILINE)
        found = line or table
        number = self._text.count("\n", 0, found.end()) + 1 if found is not None else 0
        return f"{self._path}:{number}" if number else self._path

    def _string(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise self.fault(key, 'a text, such as "1.10"' if key == "alloy-version" else "a text")
        return value

    def _bool(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.fault(key, "true or false")
        return value

    def _choice(self, key: str, value: Any, allowed: Sequence[str]) -> str:
        if value not in allowed:
            raise self.fault(key, f"one of {', '.join(allowed)}")
        text: str = value
        return text

    def _strings(self, key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.fault(key, 'a list of texts, such as ["..."]')
        return tuple(value)

    def _paths(self, key: str, value: Any) -> tuple[str, ...]:
        return tuple(os.path.join(self._directory, each) for each in self._strings(key, value))  # noqa: PTH118

    def _patterns(self, key: str, value: Any) -> IgnoreRules:
        return self._rules(key, self._strings(key, value))

    def _rules(self, key: str, patterns: Sequence[str]) -> IgnoreRules:
        """The patterns, each of which must be able to match something below the directory."""
        for pattern in patterns:
            if ".." in pattern.split("/") or not IgnoreRules((pattern,)):
                shown = f'{self._place(key)}: {key}: "{pattern}" can match nothing'
                raise SettingsError(shown, "patterns are as in .gitignore, for paths below the settings file")
        return IgnoreRules(patterns)

    def _per_file(self, key: str, value: Any) -> tuple[PerFile, ...]:
        if not isinstance(value, Mapping):
            raise self.fault(key, 'a table, such as {"old/*.alloy" = ["ALY0901"]}')
        found = []
        for pattern, listed in value.items():
            own = Selectors(select=("ALL",), ignore=selectors(self._strings(key, listed)))
            everything, left = self._chosen(key, Selectors(select=("ALL",))), self._chosen(key, own)
            codes = everything.selected - left.selected | left.ignored
            found.append(PerFile(self._rules(key, (pattern,)), tuple(sorted(codes))))
        return tuple(found)

    def _selectors(self, content: Mapping[str, Any]) -> Selectors:
        select = content.get("select")
        own = Selectors(
            None if select is None else selectors(self._strings("select", select)),
            selectors(self._strings("extend-select", content.get("extend-select", []))),
            selectors(self._strings("ignore", content.get("ignore", []))),
        )
        for key, listed in (
            ("select", Selectors(select=own.select)),
            ("extend-select", Selectors(extend=own.extend)),
            ("ignore", Selectors(ignore=own.ignore)),
        ):
            self._chosen(key, listed)
        return own

    def _chosen(self, key: str, given: Selectors) -> Any:
        try:
            return choose(given)
        except SelectionError as error:
            raise SettingsError(f"{self._place(key)}: {key}: {error}", error.hint) from None
