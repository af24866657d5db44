"""What the stages of loki.process refuse when the pipeline is built, and what they accept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.checking import check_text, errors

DROP = "drop stage config must contain at least one of `source`, `expression`, `older_than` or `longer_than`"
MULTILINE = "multiline stage first line regex compilation error: "
SELECTOR = "invalid selector syntax for match stage: "
KEEP = 'stage.match { selector = "{a=\\"b\\"}"%s }'


def in_pipeline(stage: str) -> str:
    return f'loki.process "x" {{\nforward_to = []\n{stage}\n}}\n'


REFUSED = [
    ('stage.regex { expression = "" }', "expression is required"),
    ('stage.regex { expression = "a"; source = "" }', "empty source"),
    (
        'stage.regex { expression = "a)" }',
        "could not compile regular expression: error parsing regexp: unexpected ): `a)`",
    ),
    ('stage.replace { expression = "" }', "expression is required"),
    (
        r"stage.replace { expression = `\8` }",
        r"could not compile regular expression: error parsing regexp: invalid escape sequence: `\8`",
    ),
    ("stage.drop { }", DROP),
    (
        'stage.drop { source = "a"; value = "b"; expression = "c" }',
        "drop stage config error, `value` and `expression` cannot both be defined at the same time",
    ),
    (
        'stage.drop { value = "b"; older_than = "1h" }',
        "drop stage config must contain `source` if `value` is specified",
    ),
    (
        'stage.drop { expression = "[" }',
        "drop stage regex compilation error: error parsing regexp: missing closing ]: `[`",
    ),
    (
        'stage.multiline { firstline = "" }',
        "multiline stage config must define `firstline` regular expression",
    ),
    (
        'stage.multiline { firstline = "a{2}{3}" }',
        MULTILINE + "error parsing regexp: invalid nested repetition operator: `{2}{3}`",
    ),
    ("stage.json { }", "JMES expressions or regex is required"),
    ('stage.json { expressions = {a = ""}; source = "" }', "empty source"),
    ('stage.json { regex = "a**" }', "error parsing regexp: invalid nested repetition operator: `**`"),
    ("stage.logfmt { }", "logfmt mapping or regex is required"),
    ('stage.logfmt { regex = "*" }', "error parsing regexp: missing argument to repetition operator: `*`"),
    ('stage.luhn { source = "" }', "empty source"),
    (
        'stage.luhn { skip_regex = "(" }',
        "could not compile regular expression: error parsing regexp: missing closing ): `(`",
    ),
    ('stage.structured_metadata { values = encoding.from_json(`{"":"a"}`) }', "invalid label name: "),
    ('stage.structured_metadata { regex = "(" }', "error parsing regexp: missing closing ): `(`"),
    ('stage.labels { values = encoding.from_json(`{"":"a"}`) }', "invalid label name: "),
    ('stage.static_labels { values = encoding.from_json(`{"":"a"}`) }', "invalid label name: "),
    ("stage.label_keep { values = [] }", "labelallow stage config cannot be empty"),
    ("stage.label_drop { values = [] }", "labeldrop stage config cannot be empty"),
    (
        "stage.structured_metadata_drop { values = [] }",
        "structured_metadata_drop stage config cannot be empty",
    ),
    (
        'stage.match { selector = ""; action = "drop" }',
        "selector statement required for match stage",
    ),
    (KEEP % '; action = "x"', "match stage action should be 'keep' or 'drop'"),
    (KEEP % "", "match stage requires at least one additional stage to be defined in '- stages'"),
    (
        'stage.match { selector = "{a=\\"b\\"}"; action = "drop"; stage.cri { } }',
        "match stage configured to drop entries cannot contains stages",
    ),
    (
        'stage.match { selector = "{a=\\"b\\"} | json"; action = "drop" }',
        SELECTOR
        + "parse error at line 1, col 9: syntax error: unexpected IDENTIFIER, expecting != or !~ or |~ or |=",
    ),
    (
        'stage.timestamp { source = ""; format = "RFC3339" }',
        "timestamp source value is required if timestamp is specified",
    ),
    ('stage.timestamp { source = "a"; format = "" }', "timestamp format is required"),
    (
        'stage.timestamp { source = "a"; format = "b"; location = "Europe/Berln" }',
        "invalid location specified: unknown time zone Europe/Berln",
    ),
    (
        'stage.timestamp { source = "a"; format = "b"; location = "../UTC" }',
        "invalid location specified: time: invalid location name",
    ),
    (
        'stage.timestamp { source = "a"; format = "b"; action_on_failure = "keep" }',
        "invalid action on failure (supported values are [skip fudge])",
    ),
    (
        'stage.timestamp { source = "a"; format = "b"; action_on_duplicate_timestamp = "skip" }',
        "invalid action on duplicate timestamp (supported values are [keep fudge])",
    ),
    ("stage.limit { rate = 0; burst = 1 }", "limit stage failed to parse rate or burst"),
    ("stage.limit { rate = 1; burst = 0 }", "limit stage failed to parse rate or burst"),
    (
        'stage.limit { rate = 1; burst = 1; by_label_name = "a" }',
        "when ratelimiting by label, drop must be true",
    ),
    ("stage.tenant { }", "label, source or value config are required"),
    (
        'stage.tenant { source = "a"; value = "b" }',
        "label, source and value are mutually exclusive: you should set source, value or label but not all",
    ),
    ('stage.geoip { db = ""; source = "a" }', "db path cannot be empty"),
    ('stage.geoip { db = "a"; source = "" }', "source cannot be empty"),
    ('stage.geoip { db = "a"; source = "b" }', "db type or values need to be set"),
    (
        'stage.geoip { db = "a"; source = "b"; db_type = "c" }',
        "db type should be either city or asn",
    ),
    ('stage.output { source = "" }', "output source value is required if output is specified"),
    ('stage.template { source = ""; template = "a" }', "template source value is required"),
    ('stage.truncate { rule { limit = "0B" } }', "limit must be greater than zero"),
    (
        'stage.truncate { rule { limit = "1B"; sources = ["a"] } }',
        "sources cannot be set when source_type is 'line'",
    ),
    (
        'stage.truncate { rule { limit = "2B"; suffix = "ab" } }',
        "suffix length cannot be greater than or equal to limit",
    ),
]


@pytest.mark.parametrize(("stage", "message"), REFUSED)
def test_a_pipeline_that_cannot_be_built_is_refused(stage: str, message: str) -> None:
    (found,) = errors(in_pipeline(on_lines(stage)))
    assert found.partition(": ")[2] == message


def on_lines(stage: str) -> str:
    """Each setting, and each bracket, on a line of its own."""
    return stage.replace("; ", "\n").replace("{ ", "{\n").replace(" }", "\n}")


def test_every_verdict_on_a_pattern_is_alloy_s() -> None:
    golden = Path(__file__).parents[2] / "golden/embedded/line_patterns.jsonl"
    cases = [json.loads(line) for line in golden.read_text("utf-8").splitlines()]
    assert len([case for case in cases if "error" not in case]) > 50
    stages = "".join(f"stage.pattern {{\npattern = {json.dumps(case['text'])}\n}}\n" for case in cases)
    found = [each.partition(": failed to parse pattern: ")[2] for each in errors(in_pipeline(stages))]
    assert found == [case["error"] for case in cases if "error" in case]


@pytest.mark.parametrize(
    "stage",
    [
        'stage.regex {\nexpression = "(?P<a>b)"\n}',
        'stage.regex {\nexpression = "no group"\nsource = null\n}',
        'stage.drop {\nolder_than = "1h"\n}',
        'stage.drop {\nlonger_than = "8KB"\n}',
        'stage.drop {\nsource = "a"\nvalue = "("\n}',
        'stage.json {\nregex = "a"\n}',
        "stage.luhn { }",
        "stage.structured_metadata { }",
        'stage.timestamp {\nsource = "a"\nformat = "b"\naction_on_failure = ""\n}',
        'stage.timestamp {\nsource = "a"\nformat = "b"\nlocation = "America/New_York"\n}',
        'stage.timestamp {\nsource = "a"\nformat = "b"\nlocation = "posix/Europe/Berlin"\n}',
        'stage.limit {\nrate = 0.1\nburst = 1\nby_label_name = "a"\ndrop = true\n}',
        'stage.match {\nselector = "{a=~\\"b|c\\"} |= \\"d\\""\naction = "drop"\n}',
        'stage.match {\nselector = sys.env("X")\nstage.cri { }\n}',
        'stage.geoip {\ndb = "a"\nsource = null\ncustom_lookups = {}\n}',
        'stage.truncate {\nrule {\nlimit = "3B"\nsuffix = "ab"\n}\n}',
    ],
)
def test_what_alloy_builds_is_accepted(stage: str) -> None:
    assert errors(in_pipeline(stage)) == []


def test_the_place_in_an_expression_is_shown() -> None:
    text = in_pipeline('stage.regex {\nexpression = "x\\\\d(?=y)"\n}')
    (found,) = [each for each in check_text(text).further if each.code == "ALY0505"]
    assert found.span is not None
    assert found.span.end is not None
    assert text[found.span.start : found.span.end + 1] == "(?="


def test_the_time_zone_that_was_meant_is_named() -> None:
    text = in_pipeline('stage.timestamp {\nsource = "a"\nformat = "b"\nlocation = "europe/berln"\n}')
    (found,) = [each for each in check_text(text).further if "location" in each.message]
    assert found.hint == "did you mean `Europe/Berlin`?"
