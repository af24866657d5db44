"""What sections declare and refer to, and what names mean across the files of a configuration."""

from __future__ import annotations

import pytest

from alloypy.lsp.documents.document import Document
from alloypy.lsp.workspace.symbols import Kind, scopes_of
from alloypy.lsp.workspace.unit import Unit

TEXT = b"""\
import.file "lib" { filename = "lib.alloy" }
declare "sink" {
  argument "url" { }
  pyroscope.write "w" { endpoint { url = argument.url.value } }
  export "out" { value = pyroscope.write.w.receiver }
}
sink "a" { url = "x" }
lib.relay "b" { forward_to = [sink.a.out] }
foreach "each" {
  collection = [1]
  var        = "item"
  template {
    local.file "f" { filename = item.path + sink.a.out }
  }
}
logging { level = "debug" }
"""


def unit(*texts: bytes) -> Unit:
    return Unit(Document(f"/{number}.alloy", text) for number, text in enumerate(texts))


def meaning(of: Unit, written: str, path: str = "/0.alloy") -> str:
    """The id of what the names at the last place of `written` mean."""
    document = next(each for each in of.documents if each.path == path)
    module = of.module_at(path, document.data.rindex(written.encode()))
    assert module is not None
    found = of.meaning(written.split("."), module)
    return found.declared.declaration.id if found is not None else ""


def test_every_declaration_has_its_kind_and_ranges() -> None:
    found = list(unit(TEXT).declarations)
    assert [(each.declaration.kind, each.declaration.id) for each in found] == [  # section by section
        (Kind.IMPORT, "import.file.lib"),
        (Kind.DECLARE, "declare.sink"),
        (Kind.ARGUMENT, "argument.url"),
        (Kind.COMPONENT, "pyroscope.write.w"),
        (Kind.EXPORT, "export.out"),
        (Kind.COMPONENT, "sink.a"),
        (Kind.COMPONENT, "lib.relay.b"),
        (Kind.FOREACH, "foreach.each"),
        (Kind.COMPONENT, "local.file.f"),
        (Kind.SETTING, "logging"),
    ]
    for declared in found:
        name, label = declared.name_range, declared.label_range
        assert TEXT[name.start : name.stop].decode() == declared.declaration.name
        assert TEXT[declared.range.start : declared.range.stop].endswith(b"}")
        if label is not None:
            assert TEXT[label.start : label.stop].decode() == declared.declaration.label


def test_parts_of_references_are_where_they_are_written() -> None:
    for referred in unit(b"// moved\n\n" + TEXT).references:
        for part in referred.reference.parts:
            where = referred.place.range_of(part)
            assert (b"// moved\n\n" + TEXT)[where.start : where.stop].decode() == part.name


def test_a_declare_sees_only_its_own_body() -> None:
    here = unit(TEXT + b'declare "other" { local.file "g" { filename = sink.a.out } }')
    assert meaning(here, "argument.url.value") == "argument.url"
    assert meaning(here, "pyroscope.write.w.receiver") == "pyroscope.write.w"
    assert meaning(here, "sink.a.out") == ""


def test_a_template_sees_its_variable_and_what_is_around_it() -> None:
    here = unit(TEXT)
    assert meaning(here, "item.path") == "item"
    assert meaning(here, "sink.a.out") == "sink.a"


def test_the_nearest_variable_of_a_name_counts() -> None:
    inner = b'foreach "b" { var = "i" template { x.y "l" { v = i.a } } }'
    here = unit(b'foreach "a" { var = "i" template { ' + inner + b" } }")
    module = here.module_at("/0.alloy", here.documents[0].data.index(b"i.a"))
    assert module is not None
    found = here.meaning(["i", "a"], module)
    assert found is not None
    assert found.declared.declaration.block.label == "b"


def test_names_mean_blocks_of_the_other_files() -> None:
    here = unit(b"", b'a.b "c" { d = discovery.relabel.r.output }')
    assert meaning(here, "discovery.relabel.r.output", "/1.alloy") == ""
    here = unit(b'discovery.relabel "r" {\n}', b'a.b "c" { d = discovery.relabel.r.output }')
    assert meaning(here, "discovery.relabel.r.output", "/1.alloy") == "discovery.relabel.r"


def test_custom_components_are_known_inside_of_declares() -> None:
    here = unit(TEXT + b'declare "outer" { sink "z" { url = 1 } }')
    module = here.module_at("/0.alloy", here.documents[0].data.rindex(b"sink"))
    assert module is not None
    assert [each.declaration.id for each in here.customs(module)] == [
        "import.file.lib",
        "declare.sink",
        "declare.outer",
    ]
    assert [each.declaration.id for each in here.imports(module, "lib")] == ["import.file.lib"]
    assert here.declare(module, "sink") is not None
    assert here.declare(module, "lib") is None


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (b'a.b "c" {\n  url = \n\na.b "d" {\n  x = a.b.c.\n}\n', ["a.b.c", "a.b.d"]),
        (b'pyroscope.write "w" ', ["pyroscope.write.w"]),
        (b'declare "d" { argument "a"', ["declare.d", "argument.a"]),
        (b'declare "d" { argument "a" { } export ', ["declare.d", "argument.a", "export"]),
        (b"discovery. {}", ["discovery."]),
    ],
)
def test_broken_texts_have_declarations(broken: bytes, expected: list[str]) -> None:
    assert [each.declaration.id for each in unit(broken).declarations] == expected


def test_an_index_is_made_once_and_moves_with_its_section() -> None:
    section = Document("/a.alloy", TEXT).sections[0]
    assert scopes_of(section) is scopes_of(section)
    assert scopes_of(section.moved(7)) is scopes_of(section)
