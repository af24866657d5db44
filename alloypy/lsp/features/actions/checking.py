"""Checks the configuration of a text as it is in the editor, as `alloypy validate` would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloypy.lsp.workspace.workspace import Workspace
    from alloypy.syntax.diagnostics import Diagnostic
    from alloypy.syntax.source import Source


def sources_of(workspace: Workspace, path: str) -> list[Source]:
    """The texts of the configuration that the file at a path belongs to."""
    documents = (workspace.document(each) for each in workspace.unit_of(path))
    return [each.source for each in documents if each is not None]


def checked(workspace: Workspace, path: str, sources: Sequence[Source]) -> Sequence[Diagnostic]:
    """What is wrong with the configuration of the file at a path, if its texts are these."""
    from alloypy.check.units.units import CheckOptions, check_sources, encoding_faults
    from alloypy.graph.admission import Gate
    from alloypy.syntax.config_files import module_path

    options = CheckOptions(workspace.language(path), Gate(), {})
    return encoding_faults(sources) or check_sources(sources, module_path(path), options)
