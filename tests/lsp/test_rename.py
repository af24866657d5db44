"""Rename: everything that refers to a name follows it, in all files, and nothing else changes its meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.lsp.documents.ranges import TextEdit
from alloypy.lsp.features.rename import RenameError, renamable, rename
from tests.lsp.test_definition import LIB, MAIN, OTHER, texts, with_cursor
from tests.support.lsp_texts import Texts


def renamed(here: Texts, name: str) -> dict[str, str]:
    """The texts that change, after the edits."""
    return {
        here.name(path): text
        for path, text in applied(rename(here.project, here.document, here.offset, name)).items()
    }


def replaced_in(text: str, pairs: list[tuple[str, str]]) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def applied(edits: tuple[TextEdit, ...]) -> dict[str, str]:
    changed: dict[str, bytes] = {}
    for (path, start, stop), text in sorted(edits, reverse=True):
        data = changed[path] if path in changed else Path(path).read_bytes()
        changed[path] = data[:start] + text.encode() + data[stop:]
    return {path: data.decode() for path, data in changed.items()}


def refused(here: Texts, name: str) -> str:
    with pytest.raises(RenameError) as error:
        rename(here.project, here.document, here.offset, name)
    return str(error.value)


@pytest.mark.parametrize(
    ("written", "name", "main", "lib", "other"),
    [
        ("pyroscope.write.‸w.rec", "writer", [('"w"', '"writer"'), ("write.w.", "write.writer.")], [], []),
        (
            '"lo‸cal"',
            "near",
            [('"local"', '"near"'), ("sink.local", "sink.near")],
            [],
            [("sink.local", "sink.near")],
        ),
        (
            '"si‸nk"',
            "target",
            [('"sink"', '"target"'), ('sink "local"', 'target "local"'), ("sink.local", "target.local")],
            [],
            [("sink.local", "target.local")],
        ),
        (
            '"u‸rl"',
            "address",
            [('"url"', '"address"'), ("argument.url", "argument.address"), ('{ url = "', '{ address = "')],
            [],
            [],
        ),
        (
            '"o‸ut"',
            "receiver",
            [('"out"', '"receiver"'), ("local.out", "local.receiver")],
            [],
            [("local.out", "local.receiver")],
        ),
        ("‸lib.relay", "m", [('"lib"', '"m"'), ("lib.relay", "m.relay")], [], []),
        (
            "lib.rel‸ay",
            "pass_on",
            [("lib.relay", "lib.pass_on")],
            [('"relay"', '"pass_on"')],
            [],
        ),
        (
            "tar‸gets =",
            "receivers",
            [("targets =", "receivers =")],
            [('"targets"', '"receivers"'), ("argument.targets", "argument.receivers")],
            [],
        ),
        ("relay.far.out‸put", "out", [("far.output", "far.out")], [('"output"', '"out"')], []),
        ('"it‸em"', "number", [('"item"', '"number"'), ("[item,", "[number,")], [], []),
        ('"po‸rt"', "ports", [('foreach "port"', 'foreach "ports"')], [], []),
    ],
)
def test_everything_that_refers_to_a_name_follows_it(
    tmp_path: Path,
    written: str,
    name: str,
    main: list[tuple[str, str]],
    lib: list[tuple[str, str]],
    other: list[tuple[str, str]],
) -> None:
    here = texts(tmp_path, with_cursor(MAIN, written))
    expected = {}
    changes = {"main.alloy": (MAIN, main), "lib.alloy": (LIB, lib), "other.alloy": (OTHER, other)}
    for file, (text, replaced) in changes.items():
        if replaced:
            expected[file] = replaced_in(text, replaced)
    assert renamed(here, name) == expected


def test_a_module_is_renamed_from_inside_and_those_that_import_it_follow(tmp_path: Path) -> None:
    here = texts(tmp_path, MAIN, lib=with_cursor(LIB, '"rel‸ay"'))
    found = renamed(here, "forward")
    assert found == {
        "lib.alloy": LIB.replace("relay", "forward"),
        "main.alloy": MAIN.replace("relay", "forward"),
    }


def test_the_range_and_the_name_are_given_before(tmp_path: Path) -> None:
    here = texts(tmp_path, with_cursor(MAIN, "sink.loc‸al"))
    place, name = renamable(here.project, here.document, here.offset)
    assert (MAIN[place.start : place.stop], name) == ("local", "local")


def test_the_same_name_changes_nothing(tmp_path: Path) -> None:
    assert renamed(texts(tmp_path, with_cursor(MAIN, '"lo‸cal"')), "local") == {}


@pytest.mark.parametrize(
    ("written", "name", "message"),
    [
        ('"lo‸cal"', "a-b", '"a-b" is not a name: use letters, digits and underscores'),
        ('"lo‸cal"', "", '"" is not a name'),
        ('"lo‸cal"', "1a", '"1a" is not a name'),
        ('"lo‸cal"', "null", '"null" is a keyword'),
        ('"si‸nk"', "pyroscope", 'names of Alloy\'s own begin with "pyroscope"'),
        ('"si‸nk"', "sys", 'names of Alloy\'s own begin with "sys"'),
        ('"it‸em"', "argument", 'names of Alloy\'s own begin with "argument"'),
        ('"si‸nk"', "lib", 'import.file "lib" is already declared in main.alloy, line 1'),
        ('"it‸em"', "sink", 'declare "sink" is already declared in main.alloy, line 4'),
        ('"si‸nk"', "item", 'the variable "item" is already declared in main.alloy, line 15'),
        ('pyroscope.wri‸te "w"', "x", 'the names in pyroscope.write are Alloy\'s; only the label "w"'),
        ("write.w.rec‸eiver", "x", "the names in pyroscope.write are Alloy's"),
        ("endp‸oint", "x", "only labels, and names that refer to them, can be renamed"),
        ("coll‸ection", "x", "only labels"),
    ],
)
def test_what_cannot_be_renamed_is_refused_in_plain_words(
    tmp_path: Path, written: str, name: str, message: str
) -> None:
    assert message in refused(texts(tmp_path, with_cursor(MAIN, written)), name)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ('a.b "o‸ne" { }\na.b "two" { }\n', "two", 'a.b "two" is already declared in main.alloy, line 2'),
        (
            'declare "d" {\n argument "o‸ne" { }\n argument "two" { }\n}\n',
            "two",
            'argument "two" is already declared in main.alloy, line 3',
        ),
        (
            'declare "d" {\n argument "o‸ne" { }\n}\nd "x" {\n one = 1\n two = 2\n}\n',
            "two",
            'd "x" has an argument "two" in main.alloy, line 4',
        ),
        (
            'foreach "f" {\n var = "i"\n template {\n  a.b "x" { c = a.b.y.z }\n }\n}\na.b "y‸" { }\n',
            "x",
            'with this name, a name in main.alloy, line 4 would not mean a.b "y" any more',
        ),
    ],
)
def test_a_name_that_collides_is_refused(tmp_path: Path, text: str, name: str, message: str) -> None:
    assert message in refused(Texts(tmp_path, {"main.alloy": text}), name)


def test_of_two_blocks_with_the_same_label_only_the_one_at_the_cursor_is_renamed(tmp_path: Path) -> None:
    text = 'a.b "one" { }\na.b "o‸ne" { }\nc.d "e" { f = a.b.one.g }\n'
    found = renamed(Texts(tmp_path, {"main.alloy": text}), "two")
    assert found == {"main.alloy": text.replace('"o‸ne"', '"two"')}


def test_renaming_in_a_file_that_does_not_parse(tmp_path: Path) -> None:
    broken = MAIN.replace("[1, 2]", "[1, (").replace('url = "http://localhost"', "url = sys.")
    found = renamed(texts(tmp_path, with_cursor(broken, '"si‸nk"')), "target")
    pairs = [('"sink"', '"target"'), ('sink "local"', 'target "local"'), ("sink.local", "target.local")]
    assert found["main.alloy"] == replaced_in(broken, pairs)


def test_what_a_module_in_a_string_may_name_is_not_renamed(tmp_path: Path) -> None:
    inner = 'import.file "l" { filename = "lib.alloy" }\ndeclare "x" { l.relay "y" { } }'
    files = {
        "lib.alloy": LIB.replace("relay", "re‸lay"),
        "main.alloy": f'import.string "s" {{ content = `{inner}` }}',
    }
    here = Texts(tmp_path, files)
    assert "a module in a string of main.alloy imports this file" in refused(here, "forward")


def test_a_module_in_a_string_is_known_to_have_what_is_named(tmp_path: Path) -> None:
    files = {
        "lib.alloy": LIB,
        "main.alloy": """\
import.file "l" { filename = "lib.alloy" }
declare "d" {
	import.string "l" { content = `declare "other" { }` }
	import.string "m" { content = `declare "relay" { }` }
	l.re‸lay "a" { }
	l.other "b" { }
	m.relay "c" { }
}
""",
    }
    found = renamed(Texts(tmp_path, files), "forward")
    changed = files["main.alloy"].replace("l.re‸lay", "l.forward")
    assert found == {"main.alloy": changed, "lib.alloy": LIB.replace('"relay"', '"forward"')}


@pytest.mark.parametrize("at", ['import.file "‸l"', 'import.http "‸l"', "l.re‸lay", "l‸.relay"])
def test_what_only_a_run_would_show_is_not_renamed(tmp_path: Path, at: str) -> None:
    main = """\
import.file "l" { filename = "lib.alloy" }
declare "d" {
	import.http "l" { url = "http://localhost/lib.alloy" }
	l.relay "a" { }
}
"""
    here = Texts(tmp_path, {"lib.alloy": LIB, "main.alloy": main.replace(at.replace("‸", ""), at)})
    assert "may come from import." in refused(here, "fresh")
