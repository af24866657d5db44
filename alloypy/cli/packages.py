"""Packages that some commands require."""

from __future__ import annotations

from importlib.util import find_spec


def missing(command: str, package: str) -> str:
    """What to install before the command can be used; "" when the package is installed."""
    if find_spec(package) is not None:
        return ""
    return f'"alloypy {command}" needs the package {package}, which is not installed: pip install {package}'
