"""Symbols of the workspace and code lens: all files, the open ones as they are in the editor."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.code_lens import counted, lenses
from alloypy.lsp.features.workspace_symbols import symbols
from alloypy.lsp.workspace import everywhere
from tests.lsp.test_definition import LIB, MAIN, texts
from tests.support.lsp_texts import Texts

FILES = {
    "main.alloy": 'pyroscope.write "backend" { }\npyroscope.relabel "back" { }\n‸',
    "modules/lib.alloy": 'declare "sink" {\n  pyroscope.write "w" { }\n}\n',
    "node_modules/other.alloy": 'pyroscope.write "backend" { }\n',
    "broken.alloy": 'discovery.relabel "broken" {\n  targets = [\n',
    "notes.txt": 'pyroscope.write "notes" { }\n',
}


def names(here: Texts, query: str) -> list[str]:
    return [f"{here.name(each.range.path)}: {each.name}" for each in symbols(here.project, query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("backend", ["main.alloy: pyroscope.write.backend"]),
        ("back", ["main.alloy: pyroscope.relabel.back", "main.alloy: pyroscope.write.backend"]),
        ("BACK write", ["main.alloy: pyroscope.write.backend"]),
        ("sk", ["modules/lib.alloy: declare.sink"]),
        ("discovery broken", ["broken.alloy: discovery.relabel.broken"]),
        ("notes", []),
        ("kcab", []),
    ],
)
def test_symbols_are_found_by_their_letters(tmp_path: Path, query: str, expected: list[str]) -> None:
    assert names(Texts(tmp_path, FILES), query)[: max(1, len(expected))] == expected


def test_without_a_query_there_is_everything_with_what_contains_it(tmp_path: Path) -> None:
    found = symbols(Texts(tmp_path, FILES).project, "")
    assert {(each.name, each.inside) for each in found} == {
        ("pyroscope.write.backend", ""),
        ("pyroscope.relabel.back", ""),
        ("declare.sink", ""),
        ("pyroscope.write.w", "declare.sink"),
        ("discovery.relabel.broken", ""),
    }


def test_the_text_in_the_editor_is_searched(tmp_path: Path) -> None:
    here = Texts(tmp_path, FILES)
    path = str(tmp_path / "modules" / "lib.alloy")
    here.workspace.open[path] = Document(path, b'declare "unsaved" { }\n')
    assert names(here, "unsaved") == ["modules/lib.alloy: declare.unsaved"]
    assert names(here, "sink") == []


def test_no_more_is_read_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everywhere, "MOST_BYTES", 100)
    here = Texts(tmp_path, FILES)
    assert names(here, "broken") == ["broken.alloy: discovery.relabel.broken"]
    assert names(here, "sink") == []


def test_lenses_count_what_is_named_in_all_files(tmp_path: Path) -> None:
    here = texts(tmp_path, MAIN, lib=f"‸{LIB}")
    found = {}
    for place in lenses(here.project, here.document):
        title, _ = counted(here.project, here.document, place.start)
        found[LIB[place.start : place.stop]] = title
    assert found == {"relay": "3 references", "targets": "3 references"}


def test_what_nothing_can_name_has_no_lens(tmp_path: Path) -> None:
    text = (
        '‸pyroscope.receive_http "in" { }\npyroscope.write "out" { }\n'
        'declare "silent" { }\ndeclare "loud" {\n  export "a" { value = 1 }\n}\n'
        'silent "s" { }\nloud "l" { }\nunknown.one "u" { }\n'
    )
    here = texts(tmp_path, text)
    data = here.document.data
    labels = [data[each.start : each.stop].decode() for each in lenses(here.project, here.document)]
    assert labels == ["out", "silent", "loud", "l", "u"]
