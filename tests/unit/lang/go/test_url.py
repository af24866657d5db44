"""URLs are read as Go reads them, and shown without credentials."""

import json
import re
from pathlib import Path

import pytest

from alloypy.lang.go.url import parse_url, redact_url
from alloypy.lang.text_types import URL_TYPE

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden/lang/go_url.jsonl").read_text("utf-8").splitlines()
]
FIELDS = ("scheme", "opaque", "user", "password", "host", "path", "escaped_path", "query", "hostname", "port")


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["input"]))
def test_parses_as_go(case):
    if "error" in case:
        with pytest.raises(ValueError) as caught:
            parse_url(case["input"])
        assert str(caught.value) == case["error"].replace("us er@", "xxxxx@")  # no credentials are shown
    else:
        url = parse_url(case["input"])
        assert {field: getattr(url, field) for field in FIELDS} == {field: case[field] for field in FIELDS}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://bob:pw@host/base", "http://bob:xxxxx@host/base"),
        ("http://bob:@host", "http://bob:xxxxx@host"),
        ("https://token@host:4040", "https://xxxxx@host:4040"),
        ("http://host/base?tenant=x&flag", "http://host/base?tenant=xxxxx&flag"),
        ("http://bob:pw@h\x7f", "http://xxxxx@h\x7f"),
        ("http://bob:p//w@h\x7f", "http://xxxxx@h\x7f"),
        ("bob:pw@host:80:90", "bob:xxxxx@host:80:90"),
        ("1bob:pw@host:80:90", "xxxxx@host:80:90"),
        ("http://plain:4040", "http://plain:4040"),
        ("http://bob:p@ss/w?o#rd@host/x", "http://xxxxx@host/x"),
        ("http://bob:12/rd@host/x", "http://xxxxx@host/x"),
        ("http://host/a@b", "http://host/a@b"),
        ("::::", "::::"),
        ("", ""),
    ],
)
def test_shows_no_credentials(text, shown):
    assert redact_url(text) == shown


def test_attribute_type_shows_no_password():
    assert URL_TYPE.format(URL_TYPE.parse("http://u:hidden@proxy:3128")) == "http://u:xxxxx@proxy:3128"


def test_written_back():
    for text in ("http://u:p@h:1/a%2Fb?q=1#f", "path/only", "mailto:x@y", "http://[::1]:80/x"):
        assert str(parse_url(text)) == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("http://bob:pw/x@h", 'parse "http://xxxxx@h": invalid port "xxxxx" after host'),
        ("http://bob:p%zz@h", 'parse "http://xxxxx@h": invalid URL escape "xxxxx"'),
        ("http://bob:pw@h:9x", 'parse "http://xxxxx@h:9x": invalid port ":9x" after host'),
        ("bob:pw@h\x7f", 'parse "xxxxx@h\\x7f": net/url: invalid control character in URL'),
    ],
)
def test_faults_show_no_credentials(text, fault):
    with pytest.raises(ValueError, match=re.escape(fault) + "$"):
        parse_url(text)
