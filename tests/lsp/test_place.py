"""What is at a place of a text."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.lsp.cursor.place import Kind, Place, place_at
from alloypy.lsp.documents.document import Document
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.schema.describe import type_text
from tests.support.alloy_texts import alloy_text
from tests.support.counts import repeated
from tests.support.watchdog import briefly

WORKSPACE = Workspace()
WRITE = 'pyroscope.write "x" {\n\tendpoint {\n\t\turl = "http://x"\n\t}\n}\n'


def place(text: str) -> Place:
    """The place that `|` marks."""
    before, _, after = text.partition("|")
    data = (before + after).encode()
    return place_at(WORKSPACE, Document("config.alloy", data), len(before.encode()))


def wanted(found: Place) -> str:
    return "" if found.wanted is None else type_text(found.wanted)


STATEMENTS = {
    "|": ("", "", []),
    "pyro|": ("pyro", "", []),
    "pyroscope.|": ("pyroscope.", "", []),
    'pyroscope.| "x" { }': ("pyroscope.", "", []),
    'pyroscope|.write "x" { }': ("pyroscope", ".write", []),
    '|.write "x" { }': ("", ".write", []),
    f"{WRITE}|": ("", "", []),
    f"{WRITE}lo|\n{WRITE}": ("lo", "", []),
    "a { }\n| { }": ("", "", []),
    'a { }\n\t| "x" { }': ("", "", []),
    'pyroscope.write "x" {\n\t|\n}': ("", "", ["pyroscope.write"]),
    'pyroscope.write "x" { | }': ("", "", ["pyroscope.write"]),
    'pyroscope.write "x" {\n|': ("", "", ["pyroscope.write"]),
    'pyroscope.write "x" {\n\tendpoint {\n\t\tur|': ("ur", "", ["pyroscope.write", "endpoint"]),
    'pyroscope.write "x" {\n\tendpoint {\n\t\t|\n\n': ("", "", ["pyroscope.write", "endpoint"]),
    'pyroscope.write "x" {\n\tendpoint {\n\t\turl = "x"\n\t|\n\n': ("", "", ["pyroscope.write"]),
    'pyroscope.write "x" {\n\tendpoint {\n\t\t| = "http://x"\n\t}\n}': (
        "",
        "",
        ["pyroscope.write", "endpoint"],
    ),
    'pyroscope.receive_http "x" {\n\thttp\n\t\t| = "::"\n\t}\n\tforward_to = []\n}': (
        "",
        "",
        ["pyroscope.receive_http", "http"],
    ),
    'declare "d" {\n\tlog|\n}': ("log", "", ["declare"]),
    'foreach "f" {\n\ttemplate {\n\t\t|\n\t}\n}': ("", "", ["foreach", "template"]),
    'a "x" {\n\tforward_to =\n\t|\n}': ("", "", ["a"]),
}


@pytest.mark.parametrize("text", STATEMENTS)
def test_names_of_statements(text: str) -> None:
    found = place(text)
    assert found.kind is Kind.STATEMENT
    assert (found.written, found.rest, [each.block.full_name for each in found.blocks]) == STATEMENTS[text]


VALUES = {
    "forward_to = |": "list(capsule(pyroscope.Appendable))",
    "forward_to = [|]": "capsule(pyroscope.Appendable)",
    "forward_to = [a.b, |]": "capsule(pyroscope.Appendable)",
    "forward_to = [\n\t\ta.b,\n\t\t|\n\t]": "capsule(pyroscope.Appendable)",
    "forward_to = [pyro|]": "capsule(pyroscope.Appendable)",
    "forward_to = [|": "capsule(pyroscope.Appendable)",
    "forward_to = [\n\t\t|": "capsule(pyroscope.Appendable)",
    "forward_to |": "",
    "targets = [{ a = | }]": "",
    "targets = array.concat(|)": "list(capsule(discovery.Target))",
    "targets = array.concat(a.b, |)": "list(capsule(discovery.Target))",
    "job_name = string.join([|], x)": "string",
    "follow_redirects = t|": "bool",
    "follow_redirects = !|": "bool",
    "job_name = (|)": "string",
}


@pytest.mark.parametrize("text", [text for text, type_ in VALUES.items() if type_])
def test_the_type_that_is_wanted(text: str) -> None:
    found = place(f'pyroscope.scrape "x" {{\n\t{text}\n}}\n{WRITE}')
    assert (found.kind, wanted(found)) == (Kind.VALUE, VALUES[text])
    assert found.member is not None and found.member.name == text.partition(" ")[0]


def test_members_and_calls() -> None:
    found = place('a "x" {\n\tb = pyroscope.write.de|f.receiver\n}')
    assert (found.kind, found.path, found.written) == (Kind.MEMBER, ("pyroscope", "write"), "de")
    found = place('a "x" {\n\tb = pyroscope.|\n\tc = 1\n}')
    assert (found.kind, found.path, found.written, found.rest) == (Kind.MEMBER, ("pyroscope",), "", "")
    found = place('a "x" {\n\tb = |.write.x.receiver\n}')
    assert (found.kind, found.rest) == (Kind.VALUE, ".write.x.receiver")
    found = place('a "x" {\n\tb = string.replace("a", sys.env("B"), |\n}')
    assert found.call is not None
    assert (found.call.name, found.call.number, wanted(found)) == ("string.replace", 2, "string")


OTHERS = {
    'a "|x" { }': Kind.LABEL,
    "pyroscope.write | { }": Kind.LABEL,
    'a "x" {\n\tb = "c|"\n}': Kind.STRING,
    'a "x" {\n\tb = "c|\n}': Kind.STRING,
    'a "x" {\n\tb = `c\n|\n`\n}': Kind.STRING,
    "// a|": Kind.COMMENT,
    "a { }\n/* b\n | */": Kind.COMMENT,
    "a { } |": Kind.ELSEWHERE,
    'a "x" {\n\tb = 1 |\n}': Kind.ELSEWHERE,
    'a "x" {\n\tb |= 1\n}': Kind.ELSEWHERE,
    'a "x" {\n\tb = { | }\n}': Kind.FIELD,
    'a "x" {\n\tb = { c = 1, d| = 2 }\n}': Kind.FIELD,
    'a "x" {\n\tb = {\n\t\tc = 1,\n\t\t|\n\t}\n}': Kind.FIELD,
    'a "x" {\n\tb = { "c|" = 1 }\n}': Kind.FIELD,
    'a "x" {\n\tb = { c = |, d = 2 }\n}': Kind.VALUE,
}


@pytest.mark.parametrize("text", OTHERS)
def test_other_kinds(text: str) -> None:
    assert place(text).kind is OTHERS[text]


def test_what_a_name_replaces() -> None:
    text = 'a { }\nprometheus.scr|ape "x" { }'
    found = place(text)
    assert text.replace("|", "")[found.start : found.stop] == "prometheus.scrape"
    text = 'é "x" {\n\tb = [pyroscope.wr|ite.x.receiver]\n}'
    found = place(text)
    assert text.replace("|", "").encode()[found.start : found.stop] == b"write"


@settings(max_examples=repeated(500))
@given(st.integers(0, 2**32), st.binary(max_size=3))
@briefly()
def test_every_place_of_a_broken_text_is_something(seed: int, garbage: bytes) -> None:
    random = Random(seed)
    data = alloy_text(random).encode()
    start = random.randint(0, len(data))
    data = data[:start] + garbage + data[start + random.choice([0, 1, 5]) :]
    document = Document("config.alloy", data)
    for offset in sorted({random.randint(-2, len(data) + 2) for _ in range(40)}):
        assert_sound(document, offset)


@given(st.lists(st.sampled_from([*'{}[](),=.+!"`', "a", '"x"', "\n", "//", "/*", " "]), max_size=30))
@briefly()
def test_every_place_of_any_words_is_something(words: list[str]) -> None:
    document = Document("config.alloy", "".join(words).encode())
    for offset in range(len(document.data) + 1):
        assert_sound(document, offset)


def assert_sound(document: Document, offset: int) -> None:
    found = place_at(WORKSPACE, document, offset)
    assert 0 <= found.start <= found.offset <= found.stop <= len(document.data)
    assert found.written == document.data[found.start : found.offset].decode("utf-8", "replace")
