"""Values that cannot fit are reported before anything runs, in the words of evaluation; others are not."""

from __future__ import annotations

import pytest

from tests.support.checking import errors, missed

NO_OBJECT = "expected object or array or a capsule convertible to an object, got capsule"
APPENDABLE = 'capsule("pyroscope.Appendable")'
RULES = 'capsule("relabel.Rules")'
SECRET = 'capsule("alloytypes.Secret")'
BASE = """pyroscope.write "w" { }
pyroscope.relabel "r" {
  forward_to = []
}
pyroscope.receive_http "h" {
  forward_to = []
}
local.file "f" {
  filename = "f"
}
local.file "s" {
  filename  = "s"
  is_secret = true
}
discovery.relabel "d" {
  targets = []
}
remote.http "web" {
  url = "http://h"
}
"""


def forward(value: str) -> str:
    return f'{BASE}pyroscope.relabel "x" {{\n  forward_to = {value}\n}}\n'


def endpoint(setting: str, value: str) -> str:
    url = "" if setting == "url" else '    url = "http://h"\n'
    return f'{BASE}pyroscope.write "x" {{\n  endpoint {{\n{url}    {setting} = {value}\n  }}\n}}\n'


def without_places(found: list[str]) -> list[str]:
    return [line.split(": ", 1)[1] for line in found]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[pyroscope.write.w.nope]", 'field "nope" does not exist'),
        ("[pyroscope.receive_http.h.receiver]", 'field "receiver" does not exist'),
        ("[pyroscope.write.w]", "pyroscope.write.w should be capsule, got object"),
        ("pyroscope.write.w.receiver", "pyroscope.write.w.receiver should be array, got capsule"),
        (
            "[pyroscope.relabel.r.rules]",
            f"pyroscope.relabel.r.rules expected {APPENDABLE}, got {RULES}",
        ),
        ('["x"]', '"x" should be capsule, got string'),
        ("[{}]", "{} should be capsule, got object"),
        ("[[pyroscope.write.w.receiver]]", "[pyroscope.write.w.receiver] should be capsule, got array"),
        (
            "[pyroscope.write.w.receiver.foo]",
            f"pyroscope.write.w.receiver {NO_OBJECT}",
        ),
        (
            "[pyroscope.write.w.receiver[0]]",
            f"pyroscope.write.w.receiver {NO_OBJECT}",
        ),
        ('[sys.env("A")]', 'sys.env("A") should be capsule, got string'),
        ('sys.env("A")', 'sys.env("A") should be array, got string'),
        ("[pyroscope.write.w.receiver][1]", "1 index 1 is out of range of array with length 1"),
        (
            "array.concat(pyroscope.write.w.receiver)",
            "pyroscope.write.w.receiver should be array, got capsule",
        ),
        (
            "array.concat([[pyroscope.write.w.receiver]], [])",
            "[pyroscope.write.w.receiver] should be capsule, got array",
        ),
        (
            "array.concat([pyroscope.write.w], [pyroscope.relabel.r.receiver])",
            "pyroscope.write.w should be capsule, got object",
        ),
    ],
)
def test_receivers_of_the_wrong_kind(value: str, message: str) -> None:
    assert without_places(missed(forward(value))) == [message]


@pytest.mark.parametrize(
    "value",
    [
        "[pyroscope.write.w.receiver]",
        '[pyroscope.write.w["receiver"]]',
        '[pyroscope.write.w["nope"]]',
        "[null]",
        "null",
        "array.concat([pyroscope.write.w.receiver], [pyroscope.relabel.r.receiver])",
        "coalesce(null, [pyroscope.write.w.receiver])",
        "(([pyroscope.write.w.receiver]))",
    ],
)
def test_receivers_that_may_be_right(value: str) -> None:
    assert missed(forward(value)) == []


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("url", 'sys.env("A", "b")', "sys.env expected 1 args, got 2"),
        ("url", "sys.env", "sys.env should be string, got function"),
        ("url", "sys", "sys should be string, got object"),
        ("url", 'sys.env("A") + 1', "1 should be string, got number"),
        ("url", '"a" + (true)', "(true) should be one of [number string capsule] for binop +, got bool"),
        ("url", "string.nope(1)", 'field "nope" does not exist'),
        ("url", 'string.to_lower(["x"])', '["x"] should be string, got array'),
        ("url", 'string.to_lower(sys.env("X") == "a")', 'sys.env("X") == "a" should be string, got bool'),
        ("url", "constants.os.x", 'constants.os cannot access field "x" on value of type string'),
        ("url", "constants.nope", 'field "nope" does not exist'),
        ("url", "module_path()", "module_path should be function, got string"),
        ("url", '!sys.env("A")', 'sys.env("A") should be bool, got string'),
        ("url", '-sys.env("A")', 'sys.env("A") should be number, got string'),
        ("url", "local.file.s.content", "local.file.s.content secrets may not be converted into strings"),
        ("url", "encoding.from_json(\"{\")", 'encoding.from_json unexpected end of JSON input'),
        ("url", "1 / (1 - 1)", "(1 - 1) divide by zero error"),
        ("url", 'sys.env("A") / 2', 'sys.env("A") should be one of [number] for binop /, got string'),
        ("enable_http2", 'string.to_lower("A")', 'string.to_lower("A") should be bool, got string'),
        ("max_backoff_retries", "(true)", "(true) should be number, got bool"),
        ("max_backoff_retries", 'string.to_lower("A")', 'string.to_lower("A") should be number, got string'),
        ("headers", "discovery.relabel.d.output", "discovery.relabel.d.output should be object, got array"),
        ("headers", "{ a = local.file.f.content.x }",
         f"local.file.f.content {NO_OBJECT}"),
        ("bearer_token", "pyroscope.write.w.receiver",
         f"pyroscope.write.w.receiver expected {SECRET}, got {APPENDABLE}"),
        ("bearer_token", "(1 + 1)", "(1 + 1) should be capsule, got number"),
        ("remote_timeout", 'string.to_lower("X")', 'string.to_lower("X") time: invalid duration "x"'),
    ],
)  # fmt: skip
def test_settings_that_cannot_work(setting: str, value: str, message: str) -> None:
    found = without_places(missed(endpoint(setting, value)))
    assert found == [message]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("url", 'sys.env("A")'),
        ("url", "local.file.f.content"),
        ("url", "remote.http.web.content"),
        ("url", "constants.hostname"),
        ("url", 'string.format("%s", sys.env("A"))'),
        ("url", "5"),
        ("url", 'sys.env("A") + "x"'),
        ("url", 'coalesce(sys.env("A"), "x")'),
        ("url", 'encoding.from_json(sys.env("A"))["url"]'),
        ("url", "convert.nonsensitive(local.file.s.content)"),
        ("url", 'encoding.from_base64("eA==")'),
        ("url", 'discovery.relabel.d.output[0]["__address__"]'),
        ("bearer_token", "local.file.s.content"),
        ("bearer_token", 'sys.env("A")'),
        ("bearer_token", 'local.file.s.content + "x"'),
        ("headers", "discovery.relabel.d.output[0]"),
        ("headers", 'encoding.from_yaml(sys.env("A"))'),
        ("max_backoff_retries", 'sys.env("A")'),
        ("max_backoff_retries", "local.file.f.content"),
        ("enable_http2", 'sys.env("A") == "yes"'),
        ("enable_http2", 'sys.env("A") != "" && true'),
    ],
)
def test_what_is_known_only_at_run_time_passes(setting: str, value: str) -> None:
    assert missed(endpoint(setting, value)) == []


def test_given_variables_are_used() -> None:
    text = endpoint("max_backoff_retries", 'sys.env("RETRIES")')
    assert missed(text, environ={"RETRIES": "5"}) == []
    found = missed(text, environ={"RETRIES": "many"})
    assert without_places(found) == ['sys.env("RETRIES") should be number, got string']


def test_labels_of_inner_blocks() -> None:
    text = 'pyroscope.write "w" {\n  endpoint "x" {\n    url = "http://h"\n  }\n}\n'
    assert missed(text) == ['c:2:3: block "endpoint" does not support specifying labels']
    text = (
        'pyroscope.scrape "s" {\n  targets    = []\n  forward_to = []\n  profiling_config {\n'
        '    profile.custom {\n      enabled = true\n      path    = "/p"\n    }\n  }\n}\n'
    )
    assert missed(text) == ['c:5:5: block "profile.custom" requires non-empty label']


def test_an_attribute_with_a_fault_is_not_told_twice() -> None:
    text = 'pyroscope.write "w" {\n  external_labels = "x"\n}\n'
    assert errors(text) == ["c:2:21: expected object, got string"]


SOURCES_OF_TARGETS = """
local.file "secret" {
  filename  = "f"
  is_secret = true
}
local.file "plain" {
  filename = "f"
}
discovery.relabel "a" {
  targets = []
}
"""


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ('"x"', "target::ConvertFrom: conversion from 'string' is not supported"),
        ("{ a = null }", "{a = null} target::ConvertFrom: cannot convert a nil value to a target value"),
        (
            "{ a = local.file.secret.content }",
            "{ a = local.file.secret.content } target::ConvertFrom: cannot use a secret as a target value",
        ),
        ("{ a = local.file.plain.content, b = 1 }", None),
        ("discovery.relabel.a.output[0]", None),
        ('{ a = discovery.relabel.a.output[0]["b"] }', None),
    ],
)
def test_what_can_be_a_target(target: str, message: str | None) -> None:
    text = f'{SOURCES_OF_TARGETS}discovery.relabel "b" {{\n  targets = [{target}]\n}}\n'
    found = [error.partition(": ")[2] for error in errors(text)]
    assert found == ([] if message is None else [message])
