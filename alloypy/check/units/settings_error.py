"""Where the settings of a project are, and why they cannot be read."""

from __future__ import annotations

OWN = ".alloypy.toml"
SHARED = "pyproject.toml"


class SettingsError(Exception):
    """Settings cannot be read; the text names the file and the line, if known. hint: what to do, or ""."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)
