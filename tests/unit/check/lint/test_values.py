"""Calls and comparisons: what is certainly wrong, and what only looks like it."""

from __future__ import annotations

import pytest

from tests.support.linting import findings, fixed

AROUND = """\
local.file "f" { filename = "f" }
local.file "s" {
  filename  = "s"
  is_secret = true
}
discovery.http "d" {
  url = coalesce(convert.nonsensitive(local.file.f.content), convert.nonsensitive(local.file.s.content))
}
discovery.relabel "r" { targets = discovery.http.d.targets }
foreach "x" {
  collection = [discovery.relabel.r.output, %s]
  var        = "item"
  template { }
}
"""
"""Any value may be in the list, and all components are used."""

UNREACHABLE, UNCHANGED, VERBS, OBJECT, SWAPPED, VARIABLE = (f"ALY094{at}" for at in range(6))
KINDS, CONSTANT = "ALY0946", "ALY0947"

WRONG = [
    (UNREACHABLE, 'coalesce("x", sys.env("Y"))'),
    (UNREACHABLE, 'coalesce(8080, sys.env("Y"))'),
    (UNREACHABLE, 'coalesce(("x"), sys.env("Y"))'),
    (UNREACHABLE, 'coalesce(sys.env("X"), "x", sys.env("Y"))'),
    (UNREACHABLE, 'coalesce([sys.env("X")], [sys.env("Y")])'),
    (UNREACHABLE, 'coalesce({"a" = 1}, discovery.http.d.targets)'),
    (UNCHANGED, 'coalesce(sys.env("X"))'),
    (UNCHANGED, 'coalesce("x", "y")'),
    (UNCHANGED, "concat(discovery.http.d.targets)"),
    (UNCHANGED, "array.concat([1])"),
    (UNCHANGED, 'string.trim(sys.env("X"), "")'),
    (UNCHANGED, 'string.replace(sys.env("X"), "a", "a")'),
    (UNCHANGED, 'convert.nonsensitive(sys.env("X"))'),
    (VERBS, 'string.format("%s")'),
    (VERBS, 'string.format("%s", "a", "b")'),
    (VERBS, 'string.format("%d", sys.env("X"))'),
    (VERBS, 'string.format("%s", 8080)'),
    (VERBS, 'string.format("%d", 1.5)'),
    (VERBS, 'string.format("%t", "true")'),
    (VERBS, 'string.format("100%", "a")'),
    (VERBS, 'format("%[3]s", "a")'),
    (OBJECT, 'string.format("%s", local.file.f)'),
    (OBJECT, 'string.format("%v", local.file.f.content)'),
    (OBJECT, 'string.format("%v", string.format)'),
    (OBJECT, 'string.format("%s", {"a" = sys.env("X")})'),
    (SWAPPED, 'string.split(",", sys.env("X"))'),
    (SWAPPED, 'string.trim_prefix("/", sys.env("X"))'),
    (SWAPPED, 'json_path(".a", sys.env("X"))'),
    (VARIABLE, 'sys.env("$X")'),
    (VARIABLE, 'sys.env("${X}")'),
    (VARIABLE, 'env("")'),
    (VARIABLE, 'sys.env("X=y")'),
    (VARIABLE, 'sys.env("loki:3100")'),
    (VARIABLE, 'sys.env("http://loki:3100")'),
    (KINDS, 'sys.env("X") == true'),
    (KINDS, 'sys.env("X") != 1'),
    (KINDS, '(sys.env("X") == "1") == "true"'),
    (KINDS, 'discovery.http.d.targets == ""'),
    (CONSTANT, '"a" == "b"'),
    (CONSTANT, 'sys.env("X") != sys.env("X")'),
    (CONSTANT, 'sys.env("X") == "a" || true'),
    (CONSTANT, 'false && sys.env("X") == "a"'),
]

RIGHT = [
    (UNREACHABLE, 'coalesce(sys.env("Y"), "x")'),
    (UNREACHABLE, 'coalesce("", sys.env("Y"))'),
    (UNREACHABLE, 'coalesce(0, 0.0, false, null, [], {}, sys.env("Y"))'),
    (UNREACHABLE, 'coalesce(constants.hostname, sys.env("Y"))'),
    (UNREACHABLE, 'coalesce("x", "y")'),
    (UNREACHABLE, "coalesce()"),
    (UNCHANGED, 'coalesce(sys.env("X"), "")'),
    (UNCHANGED, "array.concat([1], [2])"),
    (UNCHANGED, 'string.replace(sys.env("X"), "a", "")'),
    (UNCHANGED, 'string.trim_space(sys.env("X"))'),
    (UNCHANGED, "convert.nonsensitive(local.file.f.content)"),
    (UNCHANGED, 'string.trim(convert.nonsensitive(local.file.s.content), "\\n")'),
    (VERBS, 'string.format("%s:%d", "a", 80)'),
    (VERBS, 'string.format("%v %v %v", sys.env("X"), 1, true)'),
    (VERBS, 'string.format("%d %.2f", 1, 1.5)'),
    (VERBS, 'string.format("%x", "a")'),
    (VERBS, 'string.format("100%%")'),
    (VERBS, 'string.format("%d", coalesce(sys.env("X"), 1))'),
    (VERBS, 'string.format("%*d", 5, 1)'),
    (VERBS, 'string.format("%[2]s %[1]s", "a", "b")'),
    (VERBS, 'string.format(sys.env("FORMAT"), "a")'),
    (OBJECT, 'string.format("%s", convert.nonsensitive(local.file.f.content))'),
    (OBJECT, 'string.format("%s", local.file.s.content)'),
    (OBJECT, 'string.format("%v", ["a"])'),
    (SWAPPED, 'string.split(sys.env("X"), ",")'),
    (SWAPPED, 'string.split("a,b", sys.env("SEPARATOR"))'),
    (SWAPPED, 'string.trim_prefix("/", "/")'),
    (SWAPPED, 'json_path("{}", sys.env("QUERY"))'),
    (VARIABLE, 'sys.env("ProgramFiles(x86)")'),
    (VARIABLE, 'sys.env("my-app.port")'),
    (VARIABLE, 'sys.env("X" + sys.env("Y"))'),
    (KINDS, 'sys.env("X") == "true"'),
    (KINDS, 'local.file.f.content == "a"'),
    (KINDS, 'coalesce(sys.env("X"), 1) == 1'),
    (KINDS, 'encoding.from_json(sys.env("X")) == true'),
    (KINDS, "1 == 1.0"),
    (CONSTANT, 'sys.env("X") == sys.env("Y")'),
    (CONSTANT, 'sys.env("X") == "a" || false'),
    (CONSTANT, 'json_path(sys.env("X"), "$.a") == json_path(sys.env("X"), "$.a")'),
]


@pytest.mark.parametrize(("code", "value"), WRONG)
def test_what_is_certainly_wrong_is_found_once(code: str, value: str) -> None:
    assert len(findings(code, AROUND % value)) == 1


@pytest.mark.parametrize(("code", "value"), RIGHT)
def test_what_may_be_right_is_not_found(code: str, value: str) -> None:
    assert findings(code, AROUND % value) == []


@pytest.mark.parametrize(
    ("code", "value", "mended"),
    [
        (UNCHANGED, 'coalesce( sys.env("X"), )', 'sys.env("X")'),
        (UNCHANGED, 'coalesce("x", "y")', '"x"'),
        (UNCHANGED, 'string.replace(sys.env("X"), "a", "a")', 'sys.env("X")'),
        (
            OBJECT,
            'string.format("%s", local.file.f.content)',
            'string.format("%s", convert.nonsensitive(local.file.f.content))',
        ),
        (VARIABLE, 'sys.env("${X}")', 'sys.env("X")'),
        (KINDS, 'sys.env("X") == 1', 'sys.env("X") == "1"'),
        (KINDS, 'true != sys.env("X")', '"true" != sys.env("X")'),
    ],
)
def test_fixes_keep_everything_else(code: str, value: str, mended: str) -> None:
    assert fixed(code, AROUND % value) == AROUND % mended


def test_a_fix_that_would_lose_a_comment_is_left_to_people() -> None:
    (found,) = findings(UNCHANGED, AROUND % 'coalesce(\n// from the deployment\nsys.env("X"))')
    assert found.fix == ()


def test_the_argument_of_a_module_as_a_whole_has_no_text() -> None:
    text = 'declare "a" {\n  argument "b" { }\n  export "c" { value = string.format("%s", argument.b) }\n}\n'
    text += 'a "d" { b = "e" }\nlogging { level = coalesce(a.d.c, "info") }\n'
    assert [each.hint for each in findings(OBJECT, text)] == [
        "name the part that is meant, such as argument.b.value"
    ]
