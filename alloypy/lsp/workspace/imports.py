"""Which files an `import.file` reads, as far as that is known without running it.

Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

import os
from pathlib import Path

from alloypy.lang.evaluation.literals import LiteralError, literal_value
from alloypy.lsp.workspace.symbols import Declaration
from alloypy.lsp.workspace.unit import Declared
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Expression, Literal

IMPORT_FILE = "import.file"


def filename_of(declaration: Declaration) -> Attribute | None:
    """The attribute with the path that an `import.file` reads; None for other blocks."""
    if declaration.name != IMPORT_FILE:
        return None
    return next((each for each in declaration.attributes if each.name.name == "filename"), None)


def imported_paths(workspace: Workspace, declared: Declared) -> tuple[str, ...]:
    """The files that an import block reads, sorted; empty if that is not known, or if there are none."""
    attribute = filename_of(declared.declaration)
    if attribute is None:
        return ()
    directory = str(Path(declared.place.document.path).parent)
    path = text_of(attribute.value, declared.place.section.source, directory)
    return _files_at(workspace, located(workspace, path, directory)) if path else ()


def imported_text(declared: Declared) -> str | None:
    """The text that an `import.string` imports; None for other blocks, and where it is not known."""
    if declared.declaration.name != "import.string":
        return None
    given = next((each for each in declared.declaration.attributes if each.name.name == "content"), None)
    directory = str(Path(declared.place.document.path).parent)
    return text_of(given.value, declared.place.section.source, directory) if given is not None else None


def text_of(expression: Expression, source: Source, module_path: str) -> str | None:
    """The text that an expression gives without components: literals, functions and `module_path`."""
    if isinstance(expression, Literal):
        if expression.kind != "STRING":
            return None
        try:
            return str(literal_value(expression))
        except LiteralError:
            return None
    from alloypy.lang.evaluation.effort import SHORT_BYTES, SHORT_STEPS, Effort, allowed
    from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate
    from alloypy.lang.evaluation.scope import Scope
    from alloypy.lang.stdlib import Stdlib
    from alloypy.syntax.diagnostics import DiagnosticsError

    scope = Scope({"module_path": module_path}, Stdlib())
    try:
        with allowed(Effort(SHORT_STEPS, SHORT_BYTES)):
            value = evaluate(expression, source, scope)
    except (DiagnosticsError, EvaluationError):
        return None
    return value if isinstance(value, str) else None


def located(workspace: Workspace, path: str, directory: str) -> str:
    """A path as written in a file of `directory`, made absolute.

    Where there is no such file, Alloy may be started elsewhere, and the path is looked for beside the file
    and in the directories above it.
    """
    if not path or Path(path).is_absolute():
        return os.path.normpath(path)
    first = workspace.started_in(directory)
    bases = [Path(first), Path(directory), *Path(directory).parents]
    found = (os.path.normpath(base / path) for base in bases)
    return next((each for each in found if _exists(each)), os.path.normpath(Path(first, path)))


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110 -- Path's raises if that is not permitted


def _files_at(workspace: Workspace, path: str) -> tuple[str, ...]:
    if path in workspace.open or not os.path.isdir(path):  # noqa: PTH112 -- Path's raises, as above
        return (path,) if path in workspace.open or _exists(path) else ()
    names = {each for each in workspace.open if str(Path(each).parent) == path}
    try:
        with os.scandir(path) as entries:
            names |= {
                str(Path(path, each.name)) for each in entries if not each.is_dir(follow_symlinks=False)
            }
    except OSError:
        return ()
    return tuple(sorted(each for each in names if each.endswith(".alloy")))
