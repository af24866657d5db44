"""What code actions offer, and what their edits make of a text."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.graph.codes import NO_LABEL, UNKNOWN_COMPONENT
from alloypy.lsp.features.actions.action import FIX_ALL, QUICK_FIX, REWRITE, Action, RefusedError
from alloypy.lsp.features.actions.settings import ignoring_everywhere
from alloypy.schema import texts as body_texts
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from alloypy.syntax.text_files import not_utf8_at
from tests.support.acting import PATH, Texts, errors, one, syntax_faults
from tests.support.counts import FULL

_GOLDEN = Path("tests/golden")
_REVEALING = frozenset({UNKNOWN_COMPONENT, NO_LABEL})
"""Faults that hide others: the body of an unknown component is not judged; a bare name may be named."""
_MISSING = body_texts.CODES["missing"]


def _chosen(texts: Texts, at: str, title: str, *only: str) -> Action:
    """The action whose title begins with a text, with the cursor before another text."""
    start = len(texts.text[: texts.text.index(at)].encode())
    found = texts.offered(start, start, *only)
    matching = [each for each in found if each.title.startswith(title)]
    assert len(matching) == 1, [each.title for each in found]
    return matching[0]


def _done(texts: Texts, at: str, title: str, *only: str) -> str:
    """The text after an action."""
    return texts.after(texts.edits(_chosen(texts, at, title, *only))).text


# Quick fixes


def test_a_hint_with_a_change_is_a_quick_fix_of_its_diagnostic() -> None:
    texts = one('pyroscope.write "a" {\n\tendpoint {\n\t\turll = "http://x"\n\t}\n}\n')
    action = _chosen(texts, "urll", "Change to `url`")
    assert action.kind == QUICK_FIX
    assert action.preferred
    assert [each.message for each in action.mends] == ['unrecognized attribute name "urll"']
    assert 'url = "http://x"' in texts.after(action.edits).text


@pytest.mark.parametrize(
    ("text", "at", "title", "after"),
    [
        ('local.file "a" {\n\tfilename = "x\n}\n', '"x', 'Insert `"`', 'filename = "x"\n'),
        ('local.file "a" {\n\tfilename: "x"\n}\n', ":", "Write `=`", 'filename = "x"\n'),
        ("pyroscope.write { }\n", "pyro", "Write a label", 'pyroscope.write "default" { }\n'),
        ('pyroscope.write "" { }\n', "pyro", "Write a label", 'pyroscope.write "default" { }\n'),
        (
            'local.file "ä" {\n\tfilename = env("A")\n}\n',
            "env",
            "Write `sys.env`",
            'filename = sys.env("A")\n',
        ),
    ],
)
def test_repairs_of_all_kinds_are_quick_fixes(text: str, at: str, title: str, after: str) -> None:
    assert after in _done(one(text), at, title)


@pytest.mark.parametrize(
    ("text", "at", "title"),
    [
        ("local.file \"a\" {\n\tfilename = 'x'\n}\n", "'x", "Change `'x'` to `\"x\"`"),
        ('remote.http "a" {\n\turl = "http://x"\n\tpoll_frequency = 15\n}\n', "15", 'Change `15` to `"15s"`'),
        (
            'pyroscope.relabel "a" {\n\tforward_to = pyroscope.relabel.a.receiver\n}\n',
            "pyroscope.relabel.a",
            "Insert `[` and `]`",
        ),
        ('logging {\n\tlevel = "info",\n}\n', ",", "Remove `,`"),
        ("# here\nlogging { }\n", "#", "Change `#` to `//`"),
    ],
)
def test_a_quick_fix_is_called_what_it_does(text: str, at: str, title: str) -> None:
    assert _chosen(one(text), at, title).title == title


def test_a_choice_between_names_offers_each_and_prefers_none() -> None:
    texts = one(
        'pyroscope.write "a" { }\npyroscope.write "b" { }\n'
        'pyroscope.relabel "x" {\n\tforward_to = [pyroscope.write.receiver]\n}\n'
    )
    for label in "ab":
        action = _chosen(texts, "pyroscope.write.receiver", f"Change to `pyroscope.write.{label}.receiver`")
        assert not action.preferred
        after = texts.after(action.edits)
        assert f"[pyroscope.write.{label}.receiver]" in after.text
        assert not errors(after.findings())


# Everywhere

_OLD = """\
local.file "a" {
	filename = env("A")
}

local.file "b" {
	filename = env("B")
}
"""


def test_all_findings_of_a_code_are_fixed_together() -> None:
    options = one("").chosen._replace(selected=frozenset({"ALY0901"}))
    texts = Texts({PATH: _OLD.encode()}, options)
    after = _done(texts, "env", "Fix all 2 findings of ALY0901")
    assert after == _OLD.replace("env", "sys.env")
    assert _done(texts, "local", "Fix all", FIX_ALL) == after


def test_fixing_everything_leaves_other_files_and_errors_as_they_are() -> None:
    options = one("").chosen._replace(selected=frozenset({"ALY0901"}))
    other = b'local.file "c" {\n\tfilename = env("C")\n}\n'
    texts = Texts({PATH: _OLD.encode(), "/unit/b.alloy": other}, options)
    after = texts.after(texts.edits(_chosen(texts, "local", "Fix all", FIX_ALL)))
    assert after.open["/unit/b.alloy"].data == other
    broken = one(_OLD.replace("filename", "filenam"))
    assert _done(broken, "local", "Fix all", FIX_ALL) == broken.text.replace("env", "sys.env")


# What is missing


_CUSTOM = """\
a "x" { }

declare "a" {
	argument "t" { }

	argument "u" {
		optional = true
	}

	pyroscope.relabel "r" {
		forward_to = argument.t.value
	}
}
"""
_POLICY = ' {\n\t\tname = ""\n\t\ttype = ""\n\t}\n\n\toutput { }\n}'
_CLUSTERING = "\tclustering {\n\t\tenabled = true\n\t}\n}\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('pyroscope.scrape "a" {}', 'pyroscope.scrape "a" {\n\ttargets    = []\n\tforward_to = []\n}'),
        (
            'pyroscope.scrape "a" { targets = [] }',
            'pyroscope.scrape "a" {\n\ttargets = []\n\tforward_to = []\n}',
        ),
        (
            f'pyroscope.scrape "a" {{\n\ttargets = [] // b\n\n{_CLUSTERING}',
            f'pyroscope.scrape "a" {{\n\ttargets    = [] // b\n\tforward_to = []\n\n{_CLUSTERING}',
        ),
        (
            f'pyroscope.scrape "a" {{\n{_CLUSTERING}',
            f'pyroscope.scrape "a" {{\n\ttargets    = []\n\tforward_to = []\n\n{_CLUSTERING}',
        ),
        (
            'otelcol.processor.tail_sampling "a" { }',
            'otelcol.processor.tail_sampling "a" {\n\tpolicy' + _POLICY,
        ),
        (
            'otelcol.processor.batch "a" {\n\ttimeout = "1s"\n}\n',
            'otelcol.processor.batch "a" {\n\ttimeout = "1s"\n\n\toutput { }\n}\n',
        ),
        (
            'local.file "a" {\r\n\tis_secret = true\r\n}\r\n',
            'local.file "a" {\r\n\tis_secret = true\r\n\tfilename = ""\r\n}\r\n',
        ),
        ('local.file "a" { /* why */ }', 'local.file "a" {\n\t/* why */\n\tfilename = ""\n}'),
        ('local.file "a" { // why\n}', 'local.file "a" { // why\n\tfilename = ""\n}'),
        (
            'local.file "a" {\n\tis_secret = true }',
            'local.file "a" {\n\tis_secret = true\n\tfilename = ""\n}',
        ),
        (
            f'pyroscope.scrape "a" {{ {_CLUSTERING}',
            f'pyroscope.scrape "a" {{\n\ttargets    = []\n\tforward_to = []\n\t{_CLUSTERING.lstrip()}',
        ),
        (_CUSTOM, _CUSTOM.replace("{ }", "{\n\tt = []\n}", 1)),
    ],
)
def test_what_a_block_lacks_is_added_where_fmt_would_have_it(text: str, after: str) -> None:
    texts = one(text)
    made = _done(texts, '"', "Add what is missing")
    assert made == after
    assert not [each for each in one(made).findings() if each.code == _MISSING]


def test_snippets_have_a_place_for_each_value() -> None:
    texts = one('otelcol.processor.tail_sampling "$}" { }\n')
    action = _chosen(texts, '"', "Add what is missing")
    assert [each.text for each in action.snippet] == [
        '\n\tpolicy {\n\t\tname = "$1"\n\t\ttype = "$2"\n\t\\}\n\n\toutput { \\}\n'
    ]
    other = _chosen(one('prometheus.exporter.cloudwatch "a" { }'), '"', "Add").snippet
    assert [each.text for each in other] == ['\n\tsts_region = "$1"\n']


def test_the_action_for_what_is_missing_names_its_diagnostics() -> None:
    texts = one('pyroscope.scrape "a" { }\n')
    action = _chosen(texts, "scrape", "Add what is missing: `targets`, `forward_to`")
    assert len(action.mends) == 2
    whole = one('pyroscope.write "a" { }\n').offered(3, 3, QUICK_FIX)
    assert not [each for each in whole if each.title.startswith("Add")]


@pytest.mark.parametrize("form", ['{} "a" {{ }}\n', '{} "a" {{\n}}\n', '{} "a" {{\n\t// why\n}}'])
def test_values_of_every_component_fit_their_types(form: str) -> None:
    names = list(load_catalog().component_names)
    for name in names if FULL else names[:: len(names) // 30]:
        texts = one(form.format(name))
        faults = [each for each in texts.findings() if each.code == _MISSING]
        found = [each for each in texts.offered(3, 3, QUICK_FIX) if each.title.startswith("Add what")]
        assert bool(found) == bool(faults), name
        for action in found:
            after = texts.after(action.edits)
            codes = {each.code for each in errors(after.findings())}
            assert codes.isdisjoint(body_texts.CODES.values()), after.text
            assert format_source(Source("", after.text.encode())).strip() == after.text.strip().encode()


# Ignoring


@pytest.mark.parametrize(
    ("text", "at", "code", "after"),
    [
        ('pyroscope.write "a" { }\n', "pyro", "ALY0910",
         'pyroscope.write "a" { } // alloypy: ignore[ALY0910]\n'),
        ('pyroscope.write "a" { } // why\n', "pyro", "ALY0910",
         'pyroscope.write "a" { } // why // alloypy: ignore[ALY0910]\n'),
        ('// alloypy: ignore[ALY0903]\npyroscope.write "a" { }\n', "pyro", "ALY0910",
         '// alloypy: ignore[ALY0903, ALY0910]\npyroscope.write "a" { }\n'),
        ('pyroscope.write "a" { } // alloypy: ignore[ALY0903]', "pyro", "ALY0910",
         'pyroscope.write "a" { } // alloypy: ignore[ALY0903, ALY0910]'),
        ('local.file "a" {\n\tfilename = env("A")\n}\n', "env", "ALY0901",
         'local.file "a" {\n\tfilename = env("A") // alloypy: ignore[ALY0901]\n}\n'),
        ('local.file "a" { filename = env("A") }\n', "env", "ALY0901",
         '// alloypy: ignore[ALY0901]\nlocal.file "a" { filename = env("A") }\n'),
        ('local.file "a" {\r\n\tfilename = env("A") + `b\r\nc`\r\n}\r\n', "env", "ALY0901",
         'local.file "a" {\r\n\t// alloypy: ignore[ALY0901]\r\n\tfilename = env("A") + `b\r\nc`\r\n}\r\n'),
    ],
)  # fmt: skip
def test_a_comment_ignores_a_finding_at_its_place(text: str, at: str, code: str, after: str) -> None:
    options = one("").chosen._replace(selected=frozenset({"ALY0901", "ALY0903", "ALY0910"}))
    texts = Texts({PATH: text.encode()}, options)
    made = texts.after(texts.edits(_chosen(texts, at, f"Ignore {code} here")))
    assert made.text == after
    assert code not in {each.code for each in made.findings()}
    formatted = Texts({PATH: format_source(made.open[PATH].source)}, options)
    assert code not in {each.code for each in formatted.findings()}


def test_errors_cannot_be_ignored() -> None:
    texts = one('pyroscope.write "a" {\n\turl = "x"\n}\n')
    assert not [each for each in texts.offered(25) if each.title.startswith("Ignore")]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (".alloypy.toml", "", 'ignore = ["ALY0910"]\n'),
        (".alloypy.toml", 'ignore = ["ALY0903"] # b\n', 'ignore = ["ALY0903", "ALY0910"] # b\n'),
        (".alloypy.toml", 'ignore = [\n  "ALY0903", # ä ]\n]\n',
         'ignore = [\n  "ALY0903", "ALY0910", # ä ]\n]\n'),
        (".alloypy.toml", 'for = "alloy"\n[per-file-ignores]\nignore = ["ALY0901"]\n',
         'ignore = ["ALY0910"]\nfor = "alloy"\n[per-file-ignores]\nignore = ["ALY0901"]\n'),
        ("pyproject.toml", '[a]\nignore = []\n[tool.alloypy] # ü\nignore = []\n',
         '[a]\nignore = []\n[tool.alloypy] # ü\nignore = ["ALY0910"]\n'),
        ("pyproject.toml", "[tool.alloypy]", None),
        (".alloypy.toml", "ignore = 1\n", None),
        ("pyproject.toml", "[tool]\nalloypy = { }\n", None),
    ],
)  # fmt: skip
def test_the_settings_can_ignore_a_code(tmp_path: Path, name: str, before: str, after: str | None) -> None:
    texts = Texts({str(tmp_path / "config.alloy"): b'pyroscope.write "a" { }\n'})
    (tmp_path / name).write_text(before)
    found = [each for each in texts.offered(0) if each.title == f"Ignore ALY0910 in {name}"]
    assert bool(found) == (after is not None)
    for action in found:
        (edit,) = action.edits
        data = before.encode()
        made = data[: edit.range.start] + edit.text.encode() + data[edit.range.stop :]
        assert made.decode() == after


def test_settings_are_created_for_a_client_that_can_create_files() -> None:
    texts = one('pyroscope.write "a" { }\n')
    (action,) = [each for each in texts.offered(0) if "ALY0910 in" in each.title]
    assert action.creates == ("/unit/.alloypy.toml",)
    assert action.edits[0].text == 'ignore = ["ALY0910"]\n'
    assert not list(ignoring_everywhere(texts.asked(0), can_create=False))


# Strings


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (r'"a\\d+\t\"ä"', '`a\\d+\t"ä`'),
        ("`a\\d\n`", r'"a\\d\n"'),
        ('"a"', "`a`"),
        ('"a`b"', None),
        (r'"\r"', None),
        (r'"\x00"', None),
        (r'"\xff"', None),
        (r'"\q"', None),
    ],
)
def test_strings_change_their_quotes_but_not_their_value(before: str, after: str | None) -> None:
    text = f'local.file "x" {{\n\tfilename = sys.env({before})\n}}\n'
    texts = one(text)
    at = text.index("env(") + 5
    found = texts.offered(at, at, REWRITE)
    assert bool(found) == (after is not None)
    for action in found:
        assert texts.after(action.edits).text == text.replace(before, after or "")


# In general


def _golden_texts() -> Iterator[bytes]:
    for path in (
        *sorted((_GOLDEN / "validate").glob("*.jsonl")),
        *sorted((_GOLDEN / "syntax").glob("*.jsonl")),
    ):
        for line in path.read_bytes().splitlines():
            text = json.loads(line).get("input")
            if isinstance(text, str) and text.strip() and len(text) < 20_000:
                yield text.encode("utf-8", "surrogateescape")


def _mutated(data: bytes, choose: random.Random) -> bytes:
    start = choose.randrange(len(data))
    if choose.random() < 0.5:
        return data[:start] + data[start + choose.randrange(1, 6) :]
    piece = choose.choice((b"{", b"}", b'"', b"`", b"=", b",", b"[", b"x ", b"\n", b"//", b" # ", b"env"))
    return data[:start] + piece + data[start:]


def test_no_action_harms_a_text() -> None:
    choose = random.Random(16)
    known = list(_golden_texts())
    for data in known if FULL else choose.sample(known, 150):
        mutant = _mutated(data, choose)
        for text in (data, mutant):
            _check_actions(one(text), choose)


def _check_actions(texts: Texts, choose: random.Random) -> None:
    data = texts.open[PATH].data
    findings = texts.findings()
    places = [each.span.start for each in findings if each.span is not None][:6]
    ranges = [(at, at) for at in (*places, choose.randrange(len(data) + 1))]
    start, stop = sorted(choose.randrange(len(data) + 1) for _ in range(2))
    ranges += [(0, len(data)), (start, stop)]
    done: set[object] = set()
    for start, stop in ranges:
        for action in texts.offered(start, stop):
            if action.refused or action.creates:
                continue
            try:
                edits = tuple(texts.edits(action))
            except RefusedError:
                continue
            if edits not in done:
                done.add(edits)
                _check_harmless(texts, action, texts.after(edits))


def _check_harmless(texts: Texts, action: Action, after: Texts) -> None:
    shown = f"{action.title}\n{texts.text}\n{after.text}"
    before = texts.findings()
    if not_utf8_at(texts.open[PATH].data) is None:
        assert not_utf8_at(after.open[PATH].data) is None, shown
    if syntax_faults(texts.open[PATH].data):
        return
    assert not syntax_faults(after.open[PATH].data), shown
    found = after.findings()
    if not any(each.code in _REVEALING for each in action.mends):
        assert len(errors(found)) <= len(errors(before)), shown
    if action.title.startswith("Ignore"):
        codes = Counter(each.code for each in found)
        assert codes[action.mends[0].code] < Counter(each.code for each in before)[action.mends[0].code], (
            shown
        )
