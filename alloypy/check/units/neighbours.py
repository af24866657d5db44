"""Names that are declared in another file of the directory, when one file is checked alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from alloypy.graph.codes import OUT_OF_SCOPE, UNKNOWN_COMPONENT
from alloypy.graph.nodes import CONFIG_KINDS, Kind, block_id
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_.]*")


def with_neighbours(
    diagnostics: Sequence[Diagnostic], beside: Callable[[], Iterable[Source]]
) -> list[Diagnostic]:
    """The diagnostics of a file, with hints about names that another file declares. Never raises.

    beside: returns the other files in the directory, each with its name there.
    """
    names: dict[str, str] | None = None
    result = list(diagnostics)
    for at, diagnostic in enumerate(diagnostics):
        if diagnostic.code in {OUT_OF_SCOPE, UNKNOWN_COMPONENT}:
            names = _names(beside()) if names is None else names
            file = _declared_in(diagnostic, names)
            if file is not None:
                hint = f"it is declared in {file} in this directory; validate the directory"
                result[at] = diagnostic._replace(hint=hint, fix=())
            elif diagnostic.code == OUT_OF_SCOPE and not diagnostic.hint:
                result[at] = diagnostic._replace(hint=_nearest(diagnostic, names))
    return result


def _declared_in(diagnostic: Diagnostic, names: dict[str, str]) -> str | None:
    """The file that declares the unknown name of a diagnostic."""
    parts = _written(diagnostic)
    if diagnostic.code == UNKNOWN_COMPONENT and parts:
        return names.get(f"{parts[0]}.")
    for length in range(2, len(parts) + 1):
        file = names.get(".".join(parts[:length]))
        if file is not None:
            return file
    return None


def _nearest(diagnostic: Diagnostic, names: dict[str, str]) -> str:
    """A hint with the most similar label of a component of the same name."""
    parts = _written(diagnostic)
    for length in range(2, len(parts)):
        name, label = ".".join(parts[:length]), parts[length]
        labels = [each.rpartition(".")[2] for each in names if each.rpartition(".")[0] == name]
        for near in get_close_matches(label, [each for each in labels if each], 1):
            known = f"{name}.{near}"
            return f"did you mean `{known}`, which {names[known]} in this directory declares?"
    return ""


def _written(diagnostic: Diagnostic) -> list[str]:
    """The dotted name that a diagnostic is about, split into its parts."""
    span = diagnostic.span
    found = _NAME.match(span.source.data, span.start) if span is not None else None
    return found.group().decode("ascii").split(".") if found is not None else []


def _names(files: Iterable[Source]) -> dict[str, str]:
    """The files by the ids of their blocks; the key of a label that names custom components ends in a dot."""
    names: dict[str, str] = {}
    for file in files:
        try:
            tree = parse_file(file)
        except (ValueError, DiagnosticsError):
            continue
        for block in tree.body:
            if isinstance(block, Block) and block.label:  # a block without a label is a fault or a service
                custom = block.full_name == "declare" or CONFIG_KINDS.get(block.full_name) is Kind.IMPORT
                names.setdefault(f"{block.label}." if custom else block_id(block), file.name)
    return names
