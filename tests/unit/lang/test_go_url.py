"""URLs are read as Go reads them, and shown without credentials."""

import json
from pathlib import Path

import pytest

from alloypy.lang.go_url import URL_TYPE, hide_credentials, parse_url, redact_url

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden/lang/go_url.jsonl").read_text("utf-8").splitlines()
]
FIELDS = ("scheme", "opaque", "user", "password", "host", "path", "escaped_path", "query", "hostname", "port")


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["input"]))
def test_parses_as_go(case):
    if "error" in case:
        with pytest.raises(ValueError) as caught:
            parse_url(case["input"])
        assert str(caught.value) == case["error"]
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
    ("text", "shown"),
    [
        ("http://u:p@h/x?e=a@b", "http://u:xxxxx@h/x?e=a@b"),
        ("see http://tok@h and https://a:b:c@d.", "see http://xxxxx@h and https://a:xxxxx@d."),
        ("http://u:a b@c@h/", "http://u:xxxxx@h/"),
        ("mail@example.org", "mail@example.org"),
        ("http://h/a@b", "http://h/a@b"),
        ("none", "none"),
    ],
)
def test_credentials_within_texts(text, shown):
    assert hide_credentials(text) == shown
