"""The pages of Alloy's reference, which have examples and say what a component is for."""

from __future__ import annotations

from alloypy.catalog.versions import Version

_REFERENCE = "https://grafana.com/docs/alloy"
_NO_PAGE = frozenset({"cluster", "labelstore", "otel", "ui"})
"""Blocks without a page."""


def manual_page(name: str, version: Version | None, *, component: bool) -> str:
    """The URL of the page about a component or config block; "" if it has none. version: None for main."""
    if not component and name in _NO_PAGE:
        return ""
    folder = f"components/{name.partition('.')[0]}" if component else "config-blocks"
    return f"{_edition(version)}/reference/{folder}/{name}/"


def library_page(name: str, version: Version | None) -> str:
    """The URL of the page about a function or constant, by its full name."""
    return f"{_edition(version)}/reference/stdlib/{name.partition('.')[0]}/"


def _edition(version: Version | None) -> str:
    edition = f"v{version.minor}" if version is not None and version.is_release else "latest"
    return f"{_REFERENCE}/{edition}"
