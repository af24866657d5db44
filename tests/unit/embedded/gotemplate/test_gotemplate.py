"""Go templates are accepted and refused as by Go, whose answers are recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alloypy.embedded.gotemplate.functions import BUILT_IN, STAGES
from alloypy.embedded.gotemplate.template import check_template
from alloypy.lang.text_error import TextError
from tests.support.checking import check_text

RECORDED = Path(__file__).parents[3] / "golden" / "embedded" / "gotemplate.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]


def fault(text: str, functions: frozenset[str] = STAGES) -> TextError | None:
    try:
        check_template(text, functions, "pipeline_template")
    except TextError as error:
        return error
    return None


def test_both_verdicts_are_recorded() -> None:
    refused = [case for case in CASES if case["error"]]
    assert len(refused) > 100
    assert len(CASES) - len(refused) > 90


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_the_verdict_is_that_of_go(case: dict[str, Any]) -> None:
    found = fault(case["text"], BUILT_IN if "functions" in case else STAGES)
    assert (found is not None) == bool(case["error"]), (str(found), case["error"])
    if found is not None:
        assert 0 <= found.start <= found.end <= len(case["text"])


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a\n{{ .x | foo }}", 'template: pipeline_template:2: function "foo" not defined', "foo"),
        ("{{ $x }}", 'template: pipeline_template:1: undefined variable "$x"', "$x"),
        ("{{ .x", "template: pipeline_template:1: unclosed action", ""),
        (
            "{{ if .x }}{{ range . }}{{ end }}",
            "template: pipeline_template:1: unexpected EOF: {{if}} has no {{end}}",
            "if",
        ),
        (
            "{{ upper(.x) }}",
            "template: pipeline_template:1: unexpected ( in operand: a space is missing before it",
            "(",
        ),
        (
            "{{ .foo. }}",
            "template: pipeline_template:1: unexpected . in operand: a name is missing after it",
            ".",
        ),
        ("{{ if .a == 1 }}", "template: pipeline_template:1: syntax error: unexpected `=`", "="),
    ],
)
def test_the_message_names_the_place(text: str, message: str, place: str) -> None:
    found = fault(text)
    assert found is not None
    assert (str(found), text[found.start : found.end]) == (message, place)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ToUper", "did you mean `ToUpper`?"),
        ("Trmi", "did you mean `Trim`?"),
        ("TOLOWER", "did you mean `ToLower`?"),
        ("nothingLikeIt", ""),
    ],
)
def test_the_nearest_function_is_a_hint(name: str, hint: str) -> None:
    found = fault(f"{{{{ .Value | {name} }}}}")
    assert found is not None
    assert found.hint == hint


def test_large_texts_take_linear_time() -> None:
    many = "".join(f"{{{{ $v{at} := .x }}}}" for at in range(5000))
    assert fault(many + "".join(f"{{{{ $v{at} }}}}" for at in range(5000))) is None
    assert fault("{{ if .x }}" * 5000 + "{{ end }}" * 5000) is None
    assert fault("{{" + "(" * 3000 + ".x" + ")" * 3000 + "}}") is None
    assert fault("{{ if .x }}" + "{{ else if .y }}" * 3000 + "{{ end }}") is None
    assert fault("{{" + "(" * 10_001 + ".x" + ")" * 10_001 + "}}") is not None


STAGE = """\
loki.process "a" {{
  forward_to = []
  stage.{} {{
    {}
  }}
}}
"""
FARO = """\
faro.receiver "a" {{
  output {{ }}
  sourcemaps {{
    location {{
      path                 = {}
      minified_path_prefix = "a"
    }}
  }}
}}
"""


def refused(text: str) -> list[str]:
    checked = check_text(text)
    found = [*checked.as_alloy, *checked.further]
    return [f"{each.span}: {each.message}" for each in found if each.code == "ALY0507"]


def test_stages_check_their_templates() -> None:
    prefix = "template: pipeline_template:1:"
    template = r"""source = "x"
    template = "\tü{{ foo }}" """
    assert refused(STAGE.format("template", template)) == [f'c:5:24: {prefix} function "foo" not defined']
    assert refused(STAGE.format("replace", 'expression = "a"\n    replace = `{{ foo }}`')) == [
        f'c:5:19: failed to compile template: {prefix} function "foo" not defined'
    ]
    assert refused(STAGE.format("template", 'source = "x"\n    template = sys.env("T")')) == []
    assert refused(STAGE.format("replace", 'expression = "a"')) == []


def test_sourcemaps_have_the_functions_of_go_alone() -> None:
    assert refused(FARO.format('"/{{ .Release | printf }}"')) == []
    assert refused(FARO.format('"/{{ .Release | upper }}"')) == [
        'c:5:46: template: /{{ .Release | upper }}:1: function "upper" not defined'
    ]
