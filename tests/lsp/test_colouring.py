"""What each token is, and how that is sent."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import find_version
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.positions import Encoding, Position
from alloypy.lsp.features.colouring import colours
from alloypy.lsp.features.kinds import KINDS, MARKS, Marks
from alloypy.lsp.wire.colouring import changed, numbers_of
from tests.support.broken_texts import broken_texts
from tests.support.counts import repeated
from tests.support.watchdog import briefly

CATALOG = load_catalog()
TEXT = """// one
declare "part" {
	argument "a" { optional = true }
	export "out" { value = 1.5 }
}
import.file "mod" { filename = module_path + "/x" }
part "p" { a = !null }
mod.thing "t" { }
otelcol.auth.basic "b" {
	username = env("USER")
	password = convert.nonsensitive(part.p.out)
	client_auth { username = mod.thing.t.x }
}
prometheus.scrape "s" {
	targets    = [{ "k" = constants.os, k2 = argument.a.value[0].z }]
	forward_to = [prometheus.remote_write.w.receiver]
}
foreach "f" {
	var = "each"
	template { local.file "g" { filename = each.name } }
}
"""
FOUND = """
comment: // one
keyword: declare  class+declaration: "part"
keyword: argument  parameter+declaration: "a"  property: optional  operator: =  keyword: true
keyword: export  property+declaration: "out"  property: value  operator: =  number: 1.5
keyword: import  keyword: file  namespace+declaration: "mod"  property: filename  operator: =
variable+readonly: module_path  operator: +  string: "/x"
class: part  variable+declaration: "p"  property: a  operator: =  operator: !  keyword: null
namespace: mod  class: thing  variable+declaration: "t"
class+defaultLibrary: otelcol  class+defaultLibrary: auth  class+defaultLibrary: basic
variable+declaration: "b"  property+deprecated: username  operator: =
function+deprecated+defaultLibrary: env  string: "USER"
property+deprecated: password  operator: =
namespace+defaultLibrary: convert  function+defaultLibrary: nonsensitive  class: part  variable: p
property: out
type: client_auth  property: username  operator: =
namespace: mod  class: thing  variable: t  property: x
class+defaultLibrary: prometheus  class+defaultLibrary: scrape  variable+declaration: "s"
property: targets  operator: =  property: "k"  operator: =
namespace+defaultLibrary: constants  variable+readonly+defaultLibrary: os
property: k2  operator: =  keyword: argument  parameter: a  property: value  number: 0  property: z
property: forward_to  operator: =
class+defaultLibrary: prometheus  class+defaultLibrary: remote_write  variable: w  property: receiver
keyword: foreach  variable+declaration: "f"  property: var  operator: =  string: "each"
keyword: template  class+defaultLibrary: local  class+defaultLibrary: file  variable+declaration: "g"
property: filename  operator: =  variable: each  property: name
"""


def named(kind: str, marks: Marks) -> str:
    return "+".join([kind, *(name for number, name in enumerate(MARKS) if marks & 1 << number)])


def test_what_each_token_is() -> None:
    document = Document("config.alloy", TEXT.encode())
    found = [
        f"{named(each.kind, each.marks)}: {section.source.data[each.start : each.stop].decode()}"
        for section in document.sections
        for each in colours(section.file, CATALOG)
    ]
    assert found == [each for line in FOUND.splitlines() if line for each in line.split("  ")]


def test_what_is_deprecated_depends_on_the_version() -> None:
    document = Document("config.alloy", b'otelcol.auth.basic "b" { username = env("x") }')
    old = {each.marks for each in colours(document.file, load_catalog(find_version("1.0")))}
    assert not any(each & Marks.DEPRECATED for each in old)


def decoded(data: bytes, numbers: array[int], encoding: Encoding) -> list[tuple[str, str]]:
    """The texts of the tokens with their kinds; checks that they are in order, in their lines."""
    lines = Document("", data).lines
    found: list[tuple[str, str]] = []
    line = column = end = 0
    for at in range(0, len(numbers), 5):
        down, right, length, kind, _ = numbers[at : at + 5]
        line, column = line + down, right + (0 if down else column)
        assert down or column >= end or not at
        end = column + length
        start = lines.offset(Position(line, column), encoding)
        stop = lines.offset(Position(line, end), encoding)
        assert length > 0
        assert lines.position(stop, encoding) == (line, end)
        found.append((data[start:stop].decode("utf-8", "replace"), KINDS[kind]))
    return found


@pytest.mark.parametrize("encoding", Encoding)
def test_tokens_are_sent_line_by_line_in_the_units_of_the_client(encoding: Encoding) -> None:
    data = 'a = `é𝒳\r\n  𝒳` + "𝒳" // é𝒳\r\n\r\n/* 1\r\n\r\n2 */ b = 1\n'.encode()
    numbers = numbers_of(Document("config.alloy", data), CATALOG, encoding)
    assert decoded(data, numbers, encoding) == [
        ("a", "property"),
        ("=", "operator"),
        ("`é𝒳", "string"),
        ("  𝒳`", "string"),
        ("+", "operator"),
        ('"𝒳"', "string"),
        ("// é𝒳", "comment"),
        ("/* 1", "comment"),
        ("2 */", "comment"),
        ("b", "property"),
        ("=", "operator"),
        ("1", "number"),
    ]


def test_some_lines_can_be_asked_for() -> None:
    data = TEXT.encode()
    document = Document("config.alloy", data)
    whole = decoded(data, numbers_of(document, CATALOG, Encoding.UTF8), Encoding.UTF8)
    parts = [
        decoded(data, numbers_of(document, CATALOG, Encoding.UTF8, range(line, line + 1)), Encoding.UTF8)
        for line in range(TEXT.count("\n"))
    ]
    assert [each for part in parts for each in part] == whole
    assert [word for word, _ in parts[2]] == ["argument", '"a"', "optional", "=", "true"]


def apply(before: array[int], after: array[int]) -> array[int]:
    part = changed(before, after)
    return before if part is None else before[: part[0]] + part[2] + before[part[0] + part[1] :]


@settings(deadline=None, max_examples=repeated(2000))
@given(broken_texts(), broken_texts(), st.sampled_from(Encoding))
def test_tokens_of_broken_texts_are_in_order_and_changes_lead_to_them(
    data: bytes, other: bytes, encoding: Encoding
) -> None:
    with briefly(10):
        numbers = numbers_of(Document("config.alloy", data), CATALOG, encoding)
        decoded(data, numbers, encoding)
        before = numbers_of(Document("config.alloy", other), CATALOG, encoding)
    assert apply(before, numbers) == numbers
    assert changed(numbers, array("I", numbers)) is None


def test_a_change_is_sent_as_one() -> None:
    one = numbers_of(Document("a", TEXT.encode()), CATALOG, Encoding.UTF8)
    two = numbers_of(Document("a", TEXT.replace("optional", "comment").encode()), CATALOG, Encoding.UTF8)
    part = changed(one, two)
    assert part is not None
    assert len(part[2]) <= 10
    assert apply(one, two) == two
