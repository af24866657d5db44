"""Comments that suppress findings, and what is said about those that have no effect."""

from __future__ import annotations

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import edited
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source

OPTIONS = CheckOptions(load_catalog(), Gate(Stability.GENERALLY_AVAILABLE, False), {})
OLD = 'logging { level = env("LEVEL") }'
CLIENT = 'remote.http "a" {\n  url = "http://localhost"\n  client {\n    bearer_token = "abc"\n  }\n}\n'


def found(text: str, options: CheckOptions = OPTIONS) -> list[tuple[int, str, str]]:
    """Line, code and message of what is found in a text."""
    diagnostics = check_texts("c", [Source("c", text.encode())], options).diagnostics
    return [(each.span.start_position.line, each.code, each.message) for each in diagnostics if each.span]


def codes(text: str, options: CheckOptions = OPTIONS) -> list[str]:
    return [code for _, code, _ in found(text, options)]


@pytest.mark.parametrize(
    "text",
    [
        f"{OLD} // alloypy: ignore[ALY0901] runs on old versions",
        f"{OLD} // alloypy:ignore[aly0901]",
        f"{OLD} // see the wiki // alloypy: ignore[ALY0901]",
        f"// alloypy: ignore[ALY0901]\n{OLD}",
        f"// alloypy: ignore[ALY0901]\n// Another comment.\n\n{OLD}",
        f"{OLD}\n// alloypy: ignore-file[ALY0901]",
        f"// alloypy: ignore-file[ALY0901]\nlivedebugging {{ }}\n{OLD}",
        '// alloypy: ignore[ALY0901]\nlogging {\n  level = env("A")\n  format = env("B")\n}',
        'logging {\n  // alloypy: ignore[ALY0901]\n  level = env("A")\n}',
        'logging {\n  level = string.join([\n    env("A"),\n  ], "") // alloypy: ignore[ALY0901]\n}',
        'logging {\n  level = string.join([\n    // alloypy: ignore[ALY0901]\n    env("A"),\n  ], "")\n}',
        CLIENT.replace('"a" {', '"a" { // alloypy: ignore[ALY0903]').replace(
            '"abc"', '"abc" // alloypy: ignore[ALY0904] a test system'
        ),
        f"// alloypy: ignore[ALY0903, ALY0904]\n{CLIENT}",
        f"// alloypy: ignore[ALY0904]\n// alloypy: ignore[ALY0903]\n{CLIENT}",
        CLIENT.replace('"a" {', '"a" { // alloypy: ignore[ALY0903]').replace(
            "  client", "  // alloypy: ignore[ALY0904]\n  client"
        ),
    ],
)
def test_a_comment_suppresses_what_it_is_about(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"// alloypy: ignore[ALY0901]\nlivedebugging {{ }}\n{OLD}",
        f"{OLD}\n// alloypy: ignore[ALY0901]",
        f"livedebugging {{ }} // alloypy: ignore[ALY0901]\n{OLD}",
        'logging {\n  level = env("A")\n} // alloypy: ignore[ALY0901]',
        'logging {\n  level = env("A")\n  // alloypy: ignore[ALY0901]\n  format = "json"\n}',
    ],
)
def test_a_comment_suppresses_nothing_else(text: str) -> None:
    assert sorted(codes(text)) == ["ALY0901", "ALY0970"]


def test_a_comment_without_effect_is_removed_by_its_fix() -> None:
    for wrong, right in (
        ('logging { level = "info" } // alloypy: ignore[ALY0901] x\n', 'logging { level = "info" }\n'),
        ('// alloypy: ignore[ALY0901]\nlogging { level = "info" }\n', 'logging { level = "info" }\n'),
        ("// A.\n  // alloypy: ignore[ALY0901]\n// B.\nlogging { }\n", "// A.\n// B.\nlogging { }\n"),
        ("logging { } // why // alloypy: ignore[ALY0903]\n", "logging { } // why\n"),
        ("// alloypy: ignore[ALY0903]", ""),
        (
            f"{OLD} // alloypy: ignore[ALY0903, ALY0901,ALY0904] x",
            f"{OLD} // alloypy: ignore[ALY0901] x",
        ),
    ):
        (diagnostic,) = check_texts("c", [Source("c", wrong.encode())], OPTIONS).diagnostics
        assert diagnostic.code == "ALY0970"
        assert edited(wrong.encode(), diagnostic.fix).decode() == right


def test_only_what_the_check_looked_for_is_missed() -> None:
    text = "// alloypy: ignore[ALY0903]\nlogging { }"
    assert codes(text) == ["ALY0970"]
    assert codes(text, OPTIONS._replace(selected=frozenset({"ALY0901", "ALY0970"}))) == []
    assert codes(text, OPTIONS._replace(selected=frozenset({"ALY0903"}))) == []
    assert codes(f"{text}\nlogging {{ levle = 1 }}") == ["ALY0402", "ALY0301"], "rules do not run with errors"
    unset = "// alloypy: ignore[ALY0909]\nlogging { }"
    assert codes(unset) == []
    assert codes(unset, OPTIONS._replace(full_environ={})) == ["ALY0970"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("alloypy: ignore", "the comment names no code to ignore"),
        ("alloypy: ignore[]", "the comment names no code to ignore"),
        ("alloypy: ignore ALY0901", "the comment names no code to ignore"),
        ("alloypy: ignore-file", "the comment names no code to ignore"),
        ("alloypy: ignore[ALY0999]", "there is no code ALY0999 to ignore"),
        ("alloypy: ignore[all]", "there is no code ALL to ignore"),
    ],
)
def test_a_comment_names_codes_that_exist(comment: str, message: str) -> None:
    assert found(f"{OLD} // {comment}")[1:] == [(1, "ALY0971", message)]


def test_errors_cannot_be_suppressed() -> None:
    assert found('logging { levle = "x" } // alloypy: ignore[ALY0301]') == [
        (1, "ALY0301", 'unrecognized attribute name "levle"'),
        (1, "ALY0971", "ALY0301 is an error, which no comment suppresses"),
    ]


def test_other_comments_mean_nothing() -> None:
    for comment in ("alloypy: see above", "alloypy:", "image alloypy:0.2", "alloypy: ignored"):
        assert codes(f'logging {{ level = "info" }} // {comment}') == [], comment


def test_the_formatter_keeps_the_comments_where_they_are() -> None:
    text = (
        '// alloypy: ignore[ALY0901]\nlogging {\nlevel = env("A") // alloypy: ignore[ALY0901]\n'
        "// alloypy: ignore[ALY0901]\nformat=string.join([ // x\n"
        '// alloypy: ignore[ALY0901]\nenv("B"),\n],"")\n}\n'
    )
    formatted = format_source(Source("c", text.encode())).decode()
    assert [line.strip() for line in formatted.splitlines() if "ignore" in line and "=" not in line] == [
        "// alloypy: ignore[ALY0901]"
    ] * 3
    assert 'env("A") // alloypy: ignore[ALY0901]\n' in formatted
    assert codes(text) == codes(formatted)


def test_many_comments_take_no_longer_than_many_findings() -> None:
    from tests.support.watchdog import briefly

    text = "".join(
        f'// alloypy: ignore[ALY0903]\nlocal.file "f{n}" {{ filename = "a" }}\n' for n in range(400)
    )
    with briefly():
        assert codes(text) == []
