"""Checking units whose files are not read from disk, like texts in an editor."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.lint import MARK
from alloypy.check.modules.imports import Location
from alloypy.check.units.units import CheckOptions, Outcome, Reading, check_sources, check_unit
from alloypy.graph.admission import Gate
from alloypy.own_language import own_language
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import ConfigReadError
from alloypy.syntax.source import Source

OPTIONS = CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL, True), {})


def reading(texts: Mapping[str, str]) -> Reading:
    """Files that exist only in a table, all in one directory."""

    def unit(path: str) -> list[Source]:
        if path not in texts:
            raise ConfigReadError(f"stat {path}: no such file or directory")
        return [Source(path, texts[path].encode())]

    def module(path: str) -> list[Source] | None:
        return [Source(path, texts[path].encode())] if path in texts else None

    return Reading(
        unit,
        module,
        lambda path: Location(path, "."),
        lambda path: [Source(name, text.encode()) for name, text in texts.items() if name != path],
    )


def checked(path: str, texts: Mapping[str, str], options: CheckOptions = OPTIONS) -> Outcome:
    return check_unit(path, options, reading(texts))


def test_a_text_is_judged_with_the_modules_it_imports() -> None:
    texts = {
        "a": 'import.file "m" {\n\tfilename = "lib"\n}\n\nm.pair "x" {\n\tfirts = 1\n}\n',
        "lib": 'declare "pair" {\n\targument "first" { }\n}\n',
    }
    outcome = checked("a", texts)
    assert [(str(each), each.hint) for each in outcome.diagnostics] == [
        ('a:5:1: missing required argument "first" to module', ""),
        ('a:6:2: Provided argument "firts" is not defined in the module', "did you mean `first`?"),
    ]
    assert outcome.failed


def test_names_of_the_files_beside_it_are_reported() -> None:
    receiver = 'loki.process "p" {\n\tforward_to = [loki.write.w.receiver]\n}\n'
    (fault,) = (
        each
        for each in checked("a", {"a": receiver, "b": 'loki.write "w" { }\n'}).diagnostics
        if each.code == "ALY0410"
    )
    assert fault.hint == "it is declared in b in this directory; validate the directory"


def test_what_cannot_be_read_is_an_outcome() -> None:
    outcome = checked("nowhere", {})
    assert outcome.failed
    assert [each.message for each in outcome.diagnostics] == ["stat nowhere: no such file or directory"]


def test_secrets_are_neither_in_the_words_nor_in_the_lines() -> None:
    text = 'pyroscope.write "w" {\n\tendpoint {\n\t\turl = 1\n\t\tbasic_auth { password = "hush" + [] }\n'
    text += "\t}\n}\n"
    shown = checked("a", {"a": text}).diagnostics
    assert shown
    assert all("hush" not in each.message for each in shown)
    assert all(each.span is not None and b"hush" not in each.span.source.data for each in shown)


def test_a_text_is_judged_by_what_alloypy_runs() -> None:
    text = 'prometheus.exporter.unix "u" { }\n'
    assert not checked("a", {"a": text}).failed
    outcome = checked("a", {"a": text}, OPTIONS._replace(language=own_language()))
    assert [each.message for each in outcome.diagnostics] == [
        'alloypy does not run the component "prometheus.exporter.unix"'
    ]


@pytest.mark.parametrize("installed", [True, False])
def test_a_package_that_a_component_needs_is_missed_only_where_alloypy_would_run_it(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object() if installed else None)
    text = 'discovery.dns "d" {\n  names = []\n}\n'
    missed = [
        [each.message for each in checked("a", {"a": text}, options).diagnostics if "install" in each.message]
        for options in (OPTIONS, OPTIONS._replace(language=own_language()))
    ]
    said = "discovery.dns needs dnspython, which is not installed: pip install 'alloypy[dns]'"
    assert missed == [[], [] if installed else [said]]


class _CountingBytes(bytes):
    """Counts how often it is searched for comments that suppress."""

    searches = 0

    def __contains__(self, part: object) -> bool:
        type(self).searches += part == MARK
        return super().__contains__(part)  # type: ignore[operator]


def test_texts_are_not_searched_for_each_finding() -> None:
    text = "".join(f'local.file "f{number}" {{ filename = "f" }}\n' for number in range(50))
    source = Source("a.alloy", _CountingBytes(text.encode()))
    assert len(check_sources([source], ".", OPTIONS)) == 50
    assert 0 < _CountingBytes.searches < 10
