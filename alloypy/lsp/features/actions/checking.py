"""Checks the configuration of a text as it is in the editor, as `alloypy validate` would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace
    from alloypy.syntax.diagnostics import Diagnostic
    from alloypy.syntax.source import Source


def sources_of(workspace: Workspace, path: str) -> list[Source]:
    """The texts of the configuration that the file at a path belongs to; none if one cannot be read."""
    from alloypy.syntax.config_files import ConfigReadError

    try:
        return workspace.reading.unit(workspace.unit_name(path))
    except ConfigReadError:
        return []


def checked(workspace: Workspace, path: str, sources: Sequence[Source]) -> Sequence[Diagnostic]:
    """What is wrong with the configuration of the file at a path, if its texts are these."""
    from alloypy.check.units.units import check_sources, encoding_faults
    from alloypy.syntax.config_files import module_path

    faults = encoding_faults(sources)
    if faults:
        return faults
    directory = module_path(workspace.unit_name(path))
    return check_sources(sources, directory, workspace.checking(path), workspace.reading)
