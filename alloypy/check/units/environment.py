"""Environment variables from files with one `KEY=VALUE` per line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from alloypy.os_errors import system_words


class EnvironmentFileError(Exception):
    """The file cannot be read; the text says why, and never shows a value."""


Refuse = Callable[[EnvironmentFileError], object]
"""Called for a file that cannot be read; if it returns, the file is left out."""


def variables_in(paths: Iterable[str], refuse: Refuse) -> dict[str, str]:
    """The variables in files; later files decide over earlier ones."""
    environ: dict[str, str] = {}
    for path in paths:
        try:
            environ |= read_environment(path)
        except EnvironmentFileError as error:
            refuse(error)
    return environ


def read_environment(path: str) -> dict[str, str]:
    """The variables in a file. Raises EnvironmentFileError."""
    environ: dict[str, str] = {}
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        words = system_words(error) if isinstance(error, OSError) else "not UTF-8"
        raise EnvironmentFileError(f"open {path}: {words}") from None
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if text and not text.startswith("#"):
            key, equals, value = text.partition("=")
            if not equals:
                raise EnvironmentFileError(f"{path}:{number}: expected KEY=VALUE")  # it may be a secret
            environ[key.strip()] = _unquoted(value.strip())
    return environ


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
