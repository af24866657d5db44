"""A rename changes nothing but the name: the check says the same, and renaming back restores the texts.

What a module in a string (`import.string`) may name is not renamed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import Context, check_files
from alloypy.check.modules.imports import Files
from alloypy.check.units.units import DISK
from alloypy.graph.admission import Gate
from alloypy.graph.codes import MODULE_CONTENT, SELF_REFERENCE
from alloypy.lsp.features.occurrences import Occurrence, in_unit
from alloypy.lsp.features.rename import RenameError, rename
from alloypy.lsp.workspace.project import Project
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.own_language import OwnLanguage
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source
from tests.support.counts import FULL, repeated
from tests.support.fakes import REGISTRY
from tests.support.module_trees import HERE, module_tree

LANGUAGE = OwnLanguage(REGISTRY, load_catalog())
GATE = Gate(Stability.EXPERIMENTAL, True)
UNIT = ("a.alloy", "b.alloy")
FRESH = "fresh_name"
PARTS = 8
"""The trees of a full run take longer than one test may."""
_UNCERTAIN = frozenset({SELF_REFERENCE, MODULE_CONTENT})
"""Among them that a module declares a name twice, which a rename mends."""
_UNREAD = ("a module in a string", "is not known before it runs")
"""Why a name cannot be changed to a new one."""
_TAKEN = ("is already declared", "names of Alloy's own")
"""Why it cannot be changed back: it hid another of its name before."""


class Case(Workspace):
    """A random configuration in two files, with its modules, in a directory."""

    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__()
        self.folders = (str(folder),)
        self.folder = folder
        self.random = Random(seed)
        tree = module_tree(self.random)
        body = parse_config([Source("c", tree.config.encode())])[0].body
        texts = dict.fromkeys(UNIT, "")
        for statement in body:
            text = tree.config.encode()[statement.start : statement.end + 1].decode()
            texts[self.random.choice(UNIT)] += f"{text}\n"
        for name, text in {**tree.files, **texts}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace(HERE, str(folder)))

    def unit_of(self, path: str) -> tuple[str, ...]:
        unit = tuple(str(self.folder / name) for name in UNIT)
        return unit if path in unit else (path,)

    def occurrences(self) -> list[Occurrence]:
        """All names that could be renamed, in all files."""
        project = Project(self)
        units = {self.unit_of(str(path)) for path in sorted(self.folder.rglob("*.alloy"))}
        found = [each for paths in sorted(units) for each in in_unit(project, project.unit(paths), bool)]
        return [each for each in found if each.symbol.declaration.label]

    def rename(self, at: Occurrence, name: str) -> None:
        """Rename in the files. Raises RenameError."""
        document = self.document(at.range.path)
        assert document is not None
        for (path, start, stop), text in sorted(
            rename(Project(self), document, at.range.start, name), reverse=True
        ):
            data = Path(path).read_bytes()
            Path(path).write_bytes(data[:start] + text.encode() + data[stop:])

    def texts(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.rglob("*.alloy")}

    def restore(self, texts: dict[Path, bytes]) -> None:
        for path, data in texts.items():
            if path.read_bytes() != data:
                path.write_bytes(data)

    def found(self) -> list[Diagnostic]:
        """What the check says."""
        sources = [Source(name, (self.folder / name).read_bytes()) for name in UNIT]
        beyond = Context({}, Files(DISK.module, str(self.folder), DISK.locate))
        try:
            checked = check_files(parse_config(sources), LANGUAGE, GATE, beyond)
        except DiagnosticsError as error:
            return list(error.diagnostics)
        return [*checked.as_alloy, *checked.further]

    def is_faulty(self) -> bool:
        """Whether the check finds errors, or names that hide each other: what they mean is not certain."""
        return any(each.severity is Severity.ERROR or each.code in _UNCERTAIN for each in self.found())

    def faults(self, *names: str) -> list[tuple[str, ...]]:
        """What the check says, with `_` for these names."""
        without = re.compile(rf"\b(?:{'|'.join(names)})\b")
        shown = []
        for each in self.found():
            place = (each.span.source.name, each.span.start_position.line) if each.span else ("", 0)
            shown.append((without.sub("_", str(place)), each.code, without.sub("_", each.message)))
        return sorted(shown)


def occurrence_at(case: Case, path: str, start: int, length: int) -> Occurrence:
    document = case.document(path)
    assert document is not None
    project = Project(case)
    return next(
        each
        for each in in_unit(project, project.unit_of(path), bool)
        if (each.range.path, each.range.start, each.range.stop) == (path, start, start + length)
    )


def cases(folder: Path, part: int) -> Iterator[Case]:
    for seed in range(part, repeated(1_000), PARTS):
        case = Case(seed, folder / str(seed))
        if not case.is_faulty():
            yield case
        shutil.rmtree(case.folder)


@pytest.mark.parametrize("part", range(PARTS))
def test_renaming_to_a_new_name_and_back(tmp_path: Path, part: int) -> None:
    renamed = 0
    for case in cases(tmp_path, part):
        found = case.occurrences()
        for at in case.random.sample(found, min(3, len(found))):
            label = at.symbol.declaration.label
            texts, faults = case.texts(), case.faults(label, FRESH)
            try:
                case.rename(at, FRESH)
            except RenameError as error:
                assert any(each in str(error) for each in _UNREAD)
                continue
            changed = case.texts()
            assert changed != texts
            assert case.faults(label, FRESH) == faults, (
                f"{case.folder.name}: {at.symbol.declaration} {at.range}"
            )
            for path, data in changed.items():
                lines = zip(data.split(b"\n"), texts[path].split(b"\n"), strict=True)
                assert all(one.replace(FRESH.encode(), label.encode()) == other for one, other in lines)
            (path, start) = next(
                (path, data.index(FRESH.encode())) for path, data in changed.items() if FRESH.encode() in data
            )
            try:
                case.rename(occurrence_at(case, str(path), start, len(FRESH)), label)
            except RenameError as error:
                assert any(each in str(error) for each in _TAKEN)
                case.restore(texts)
            assert case.texts() == texts
            renamed += 1
    assert renamed > repeated(500) / PARTS


@pytest.mark.parametrize("part", range(PARTS))
def test_renaming_to_any_name_changes_no_meaning_or_is_refused(tmp_path: Path, part: int) -> None:
    renamed, refused = 0, 0
    for case in cases(tmp_path, part):
        found = case.occurrences()
        for at in case.random.sample(found, min(3, len(found))):
            label, name = at.symbol.declaration.label, case.random.choice(found).symbol.declaration.label
            texts, faults = case.texts(), case.faults(label, name)
            try:
                case.rename(at, name)
            except RenameError:
                refused += 1
                continue
            renamed += 1
            assert case.faults(label, name) == faults, (
                f"{case.folder.name}: {at.symbol.declaration} to {name}"
            )
            case.restore(texts)
    assert renamed > repeated(100) / PARTS
    assert refused or not FULL
