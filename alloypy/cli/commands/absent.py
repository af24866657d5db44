"""Commands of Alloy that have nothing to do with profiles: `convert`, `tools`, `gql`."""

from __future__ import annotations

from alloypy.cli.usage_error import UsageError


def run(argv: list[str]) -> int:
    """Say that the command, whose name is `argv[0]`, is not part of alloypy. Raises UsageError."""
    raise UsageError(f'"alloypy {argv[0]}" is not part of alloypy; use the command of Grafana Alloy itself')
