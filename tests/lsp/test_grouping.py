"""Which files of a directory are one configuration, as their texts change."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from alloypy.check.units.belonging import belong_together
from alloypy.files import FileFingerprint
from alloypy.lsp.documents.document import Document
from alloypy.lsp.workspace.workspace import Workspace

TEXTS = [
    b'pyroscope.write "w" { }\n',
    b'pyroscope.relabel "r" {\n\tforward_to = [pyroscope.write.w.receiver]\n}\n',
    b'declare "d" { }\n',
    b'd "x" { }\n',
    b"",
]


def test_changes_join_and_part_files_as_if_all_were_read_anew(tmp_path: Path) -> None:
    random = Random(3)
    workspace = Workspace()
    paths = [str(tmp_path / f"{name}.alloy") for name in "abcd"]
    seen = set()
    for _ in range(60):
        path = random.choice(paths)
        if random.random() < 0.2 and len(workspace.open) > 1:
            workspace.open.pop(path, None)
        else:
            workspace.open[path] = Document(path, random.choice(TEXTS))
        opened = sorted(workspace.open)
        expected = len(opened) > 1 and belong_together(workspace.open[each].file for each in opened)
        found = workspace.unit_of(opened[0])
        assert (found == tuple(opened)) == (expected or len(opened) == 1)
        seen.add(expected)
    assert seen == {True, False}


def test_the_files_of_a_large_directory_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.alloy" for number in range(100)]
    for path in paths:
        path.write_bytes(TEXTS[0])
    workspace = Workspace()
    monkeypatch.setattr(FileFingerprint, "is_settled", True)
    documents = [workspace.document(str(path)) for path in paths]
    assert all(workspace.document(str(path)) is each for path, each in zip(paths, documents, strict=True))
