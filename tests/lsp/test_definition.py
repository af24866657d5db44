"""Definition, references and highlight: what names mean, in one file, several, and across imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.definition import definitions
from alloypy.lsp.features.references import highlights, references
from tests.support.lsp_texts import CURSOR, Texts

MAIN = """\
import.file "lib" {
  filename = "lib.alloy"
}
declare "sink" {
  argument "url" { }
  pyroscope.write "w" {
    endpoint { url = argument.url.value }
  }
  export "out" { value = pyroscope.write.w.receiver }
}
sink "local" { url = "http://localhost" }
lib.relay "far" { targets = [sink.local.out] }
foreach "port" {
  collection = [1, 2]
  var        = "item"
  template {
    lib.relay "each" { targets = [item, lib.relay.far.output] }
  }
}
"""
LIB = """\
declare "relay" {
  argument "targets" { }
  export "output" { value = argument.targets.value }
}
"""
OTHER = 'pyroscope.relabel "r" { forward_to = [sink.local.out] }\n'


def texts(folder: Path, main: str, lib: str = LIB, other: str = OTHER) -> Texts:
    files = {"main.alloy": main, "lib.alloy": lib, "other.alloy": other}
    return Texts(folder, files, (("main.alloy", "other.alloy"),))


def with_cursor(text: str, written: str, count: int = 1) -> str:
    """The text with a cursor where `written`, which contains it, is for the `count`th time."""
    plain = written.replace(CURSOR, "")
    at = -1
    for _ in range(count):
        at = text.index(plain, at + 1)
    return text[:at] + written + text[at + len(plain) :]


def line_at(here: Texts, path: str, start: int) -> str:
    """The file and the line of an offset."""
    data = Path(path).read_bytes()
    line = data[data.rfind(b"\n", 0, start) + 1 :].partition(b"\n")[0].decode().strip()
    return f"{here.name(path)}: {line}"


def defined(here: Texts) -> list[str]:
    found = definitions(here.project, here.document, here.offset)
    return [line_at(here, each.name.path, each.name.start) for each in found]


@pytest.mark.parametrize(
    ("written", "count", "expected"),
    [
        ("argument.u‸rl.value", 1, 'main.alloy: argument "url" { }'),
        ("argu‸ment.url.value", 1, 'main.alloy: argument "url" { }'),
        ("pyroscope.write.‸w.rec", 1, 'main.alloy: pyroscope.write "w" {'),
        ("‸pyroscope.write.w.rec", 1, 'main.alloy: pyroscope.write "w" {'),
        ("si‸nk", 2, 'main.alloy: declare "sink" {'),
        ("sink‸.local.out", 1, 'main.alloy: declare "sink" {'),
        ("sink.lo‸cal.out", 1, 'main.alloy: sink "local" { url = "http://localhost" }'),
        ("sink.local.ou‸t", 1, 'main.alloy: export "out" { value = pyroscope.write.w.receiver }'),
        ('u‸rl = "http', 1, 'main.alloy: argument "url" { }'),
        ("‸lib.relay", 1, 'main.alloy: import.file "lib" {'),
        ("lib.‸relay", 1, 'lib.alloy: declare "relay" {'),
        ("lib.re‸lay.far", 1, 'lib.alloy: declare "relay" {'),
        ("lib.relay.far.‸output", 1, 'lib.alloy: export "output" { value = argument.targets.value }'),
        ("ta‸rgets =", 1, 'lib.alloy: argument "targets" { }'),
        ("[ite‸m,", 1, 'main.alloy: var        = "item"'),
        ('"lib.‸alloy"', 1, 'lib.alloy: declare "relay" {'),
    ],
)
def test_definition(tmp_path: Path, written: str, count: int, expected: str) -> None:
    assert defined(texts(tmp_path, with_cursor(MAIN, written, count))) == [expected]


@pytest.mark.parametrize("written", ['"http‸://', "collec‸tion", "endpoi‸nt", "[1‸,", "}‸\nsink"])
def test_nothing_is_defined_elsewhere(tmp_path: Path, written: str) -> None:
    assert defined(texts(tmp_path, with_cursor(MAIN, written))) == []


def test_definition_in_another_file_of_the_unit(tmp_path: Path) -> None:
    here = texts(tmp_path, MAIN, other=with_cursor(OTHER, "sink.local.ou‸t"))
    assert defined(here) == ['main.alloy: export "out" { value = pyroscope.write.w.receiver }']


def test_definition_in_a_file_that_does_not_parse(tmp_path: Path) -> None:
    broken = MAIN.replace("url = argument.url.value }", "url = argument.url.").replace("[1, 2]", "[1, (")
    assert defined(texts(tmp_path, with_cursor(broken, "sink.lo‸cal"))) == [
        'main.alloy: sink "local" { url = "http://localhost" }'
    ]
    assert defined(texts(tmp_path, with_cursor(broken, "argument.u‸rl."))) == [
        'main.alloy: argument "url" { }'
    ]


def test_the_text_in_the_editor_counts(tmp_path: Path) -> None:
    here = texts(tmp_path, with_cursor(MAIN, "lib.‸relay"))
    lib = str(tmp_path / "lib.alloy")
    here.workspace.open[lib] = Document(lib, f"// unsaved\n{LIB}".encode())
    (found,) = definitions(here.project, here.document, here.offset)
    assert found.name.start == f"// unsaved\n{LIB}".index("relay")


@pytest.mark.parametrize(
    ("path", "imported"),
    [
        ('"modules"', ["a.alloy", "b.alloy"]),
        ('file.path_join(module_path, "modules")', ["a.alloy", "b.alloy"]),
        ('module_path + "/modules/a.alloy"', ["a.alloy"]),
        ('"missing.alloy"', []),
        ("local.file.f.content", []),
        ("7", []),
    ],
)
def test_the_path_of_an_import_leads_to_its_files(tmp_path: Path, path: str, imported: list[str]) -> None:
    main = f'import.file "m" {{ filename = ‸{path} }}'
    files = {"main.alloy": main, "modules/a.alloy": LIB, "modules/b.alloy": "", "modules/c.txt": ""}
    here = Texts(tmp_path, files)
    found = definitions(here.project, here.document, here.offset)
    assert [here.name(each.whole.path) for each in found] == [f"modules/{each}" for each in imported]


def referring(here: Texts, *, declaration: bool = True) -> list[str]:
    found = references(here.project, here.document, here.offset, with_declaration=declaration)
    shown = []
    for each in found:
        data = Path(each.path).read_bytes()
        line = data[: each.start].count(b"\n") + 1
        shown.append(f"{here.name(each.path)}:{line}:{data[each.start : each.stop].decode()}")
    return shown


@pytest.mark.parametrize(
    ("written", "count", "expected"),
    [
        ("sink.lo‸cal.out", 1, ["main.alloy:11:local", "main.alloy:12:local", "other.alloy:1:local"]),
        ('"ou‸t"', 1, ["main.alloy:9:out", "main.alloy:12:out", "other.alloy:1:out"]),
        (
            '"si‸nk"',
            1,
            ["main.alloy:4:sink", "main.alloy:11:sink", "main.alloy:12:sink", "other.alloy:1:sink"],
        ),
        ('"u‸rl"', 1, ["main.alloy:5:url", "main.alloy:7:url", "main.alloy:11:url"]),
        ('"it‸em"', 1, ["main.alloy:15:item", "main.alloy:17:item"]),
        ('"li‸b"', 1, ["main.alloy:1:lib", "main.alloy:12:lib", "main.alloy:17:lib", "main.alloy:17:lib"]),
    ],
)
def test_references(tmp_path: Path, written: str, count: int, expected: list[str]) -> None:
    here = texts(tmp_path, with_cursor(MAIN, written, count))
    found = referring(here)
    assert sorted(found) == sorted(expected)
    declared = [each for each in found if each not in referring(here, declaration=False)]
    assert len(declared) == 1


def test_references_in_the_files_that_import(tmp_path: Path) -> None:
    here = texts(tmp_path, MAIN, lib=with_cursor(LIB, '"rel‸ay"'))
    assert referring(here) == [
        "lib.alloy:1:relay",
        "main.alloy:12:relay",
        "main.alloy:17:relay",
        "main.alloy:17:relay",
    ]
    here = texts(tmp_path, MAIN, lib=with_cursor(LIB, 'argument "targ‸ets"'))
    assert [each.partition(":")[2] for each in referring(here)] == [
        "2:targets",
        "3:targets",
        "12:targets",
        "17:targets",
    ]
    here = texts(tmp_path, with_cursor(MAIN, "relay.far.outp‸ut"))
    assert referring(here) == ["lib.alloy:3:output", "main.alloy:17:output"]


def test_highlights_tell_writing_from_reading(tmp_path: Path) -> None:
    here = texts(tmp_path, with_cursor(MAIN, '"u‸rl"'))
    found = highlights(here.project, here.document, here.offset)
    assert [(MAIN.encode()[: each.range.start].count(b"\n") + 1, each.writes) for each in found] == [
        (5, True),
        (7, False),
        (11, True),
    ]
