"""Diagnostics show nothing secret, and everything else as it is."""

from __future__ import annotations

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.masking import MASK
from alloypy.lang.secrecy import names_secret
from alloypy.schema.spec import AttributeSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.parser import parse_file
from alloypy.syntax.render import render
from alloypy.syntax.source import Source, Span


def shown(text: str, message: str = "odd") -> str:
    """Every line of `text` as an excerpt of a diagnostic with that message."""
    data = text.encode("utf-8", "surrogateescape")
    return render([MASK.masked(Diagnostic(Span(Source("c.alloy", data), 0, max(len(data) - 1, 0)), message))])


def write(body: str) -> str:
    return f'pyroscope.write "w" {{\n  endpoint {{\n    url = "http://h:4040"\n    {body}\n  }}\n}}\n'


IN_GOOD_TEXTS = {
    "declared": write('bearer_token = "hush"'),
    "number": write("bearer_token = 4711"),
    "list": write('basic_auth {\n password = ["hush"]\n }'),
    "object": write('basic_auth {\n password = { a = "hush" }\n }'),
    "sum": write('bearer_token = "hu" + "sh" + env("NAME")'),
    "called": write('bearer_token = string.trim_space(" hush ")'),
    "raw": write("bearer_token = `hush\n  hush`"),
    "escaped key": write('headers = { "X-Api-\\x4bey" = "hush" }'),
    "header": write('headers = { Authorization = "hush", "X-Scope-OrgID" = "tenant" }'),
    "http_headers": write('http_headers = { "X-Own" = ["hush"] }'),
    "connect header": write('proxy_connect_header = { "X-Own" = ["hush"] }'),
    "parameter": write('oauth2 {\n endpoint_params = { assertion = "hush" }\n }'),
    "unknown": write('pasword = "hush"'),
    "attribute for a block": write('basic_auth = { username = "me", password = "hush" }'),
    "unknown block": write('basic_ath {\n password = "hush"\n }'),
    "near a declared one": write('bearer_tocken = "hush"'),
    "url": write('proxy_url = "http://u:hu@\\"sh@h"'),
    "escaped mark": write('proxy_url = "http://u:hush\\u0040h"'),
    "url in parts": write('proxy_url = "http://u:" + "hush" + "@h"'),
    "url from a format": write('proxy_url = string.format("http://%s:%s@h", "u", "hush")'),
    "url from a list": write('proxy_url = string.join(["http://u:hush", "h"], "@")'),
    "without scheme": write('proxy_url = "u:hush@h:1"'),
    "query": write('url = "http://h/?token=hush"'),
    "default": 'declare "d" {\n argument "password" {\n default = "hush"\n }\n}\n',
    "argument": 'd "x" {\n api_token = "hush"\n user = "me"\n}\n',
    "collection": 'foreach "f" {\n collection = [{ pw = "hush" }]\n var = "x"\n template { }\n}\n',
    "variable": 'foreach "f" {\n collection = ["hush"]\n var = "token"\n template { }\n}\n',
    "pair": 'd "x" {\n env = [{ name = "TOKEN", value = "hush" }]\n}\n',
    "paired blocks": 'otelcol.auth.headers "h" {\n header {\n key = "X-Api-Key"\n value = "hush"\n }\n}\n',
    "yaml": 'd "x" {\n config = `password: hush\nuser: me`\n}\n',
    "module": 'import.string "m" {\n content = `declare "a" {\n x "y" {\n password = "hush"\n }\n }`\n}\n',
    "comment": 'd "x" {\n // password = "hush"\n}\n',
}


@pytest.mark.parametrize("text", IN_GOOD_TEXTS.values(), ids=IN_GOOD_TEXTS)
def test_secrets_in_a_text_that_can_be_read(text: str) -> None:
    assert "hush" not in shown(text).replace('"hu" + "sh"', "hush")
    assert "4711" not in shown(text)
    kept = MASK.shareable(parse_file(Source("c.alloy", text.encode()))).decode()
    assert "hush" not in kept.replace('"hu" + "sh"', "hush")


BROKEN = {
    "name": 'a "b" {\n password = "hush"\n',
    "quote": 'a "b" {\n password = "hu"hush"\n}\n',
    "quotes": 'a "b" {\n c = { password = "hu"}"hush", x = 1 }\n}\n',
    "no quotes": 'a "b" {\n password = hush!hush\n}\n',
    "other quotes": "a \"b\" {\n password = 'hush'\n}\n",
    "no equals sign": 'a "b" {\n password "hush"\n}\n',
    "colon": 'a "b" {\n password: "hush"\n}\n',
    "open string": 'a "b" {\n password = "hush\n}\n',
    "open raw string": 'a "b" {\n x = `\n password = "hush"\n}\n',
    "raw string": 'a "b" {\n password = `hush\nhush`\n x =\n}\n',
    "open list": 'a "b" {\n password = [\n "hush",\n x\n}\n',
    "header": 'a "b" {\n headers = { "X-Key" = "hush" }\n x =\n}\n',
    "declared": 'a "b" {\n http_headers = {\n "X-Own" = ["hush"],\n }\n x =\n}\n',
    "default": 'argument "password" {\n default = "hush"\n x =\n}\n',
    "url": 'a "b" {\n url = "http://u:hush@h"\n x =\n}\n',
    "url with a quote": 'a "b" {\n url = "http://u:hu\\"hush@h"\n x =\n}\n',
    "url in parts": 'a "b" {\n url = "http://u:" + "hush" + "@h"\n x =\n}\n',
    "without scheme": 'a "b" {\n proxy_url = "u:hush@h:1"\n x =\n}\n',
    "sum": 'a "b" {\n password = "a" + "hush"\n x =\n}\n',
    "format": 'a "b" {\n url = string.format("http://%s:%s@h", "u", "hush")\n x =\n}\n',
    "comment": 'a "b" {\n // password = "hush"\n x =\n}\n',
    "zeros": 'p\0a\0s\0s\0 \0=\0 \0"\0hush"\0\n',
    "not UTF-8": 'a "b" {\n password = "\udcffhush"\n x =\n}\n',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_secrets_in_a_text_that_cannot_be_read(text: str) -> None:
    assert "hush" not in shown(text)


@pytest.mark.parametrize("end", ["}\n", ""], ids=["good", "broken"])
def test_what_is_no_secret_stays(end: str) -> None:
    text = (
        'pyroscope.write "w" {\n url = "http://me:hush@host:4040/x?tenant=one"\n username = "me"\n'
        ' headers = { "X-Scope-OrgID" = "tenant" }\n bearer_token_file = "/run/token"\n'
        ' password = sys.env("PYROSCOPE_PASSWORD")\n token = env("TOKEN")\n secret = local.file.s.content\n'
        " max_backoff_retries = 3\n"
    )
    seen = shown(text + end)
    for word in (
        '"http://me:****@host:4040/x?tenant=one"',
        'username = "me"',
        '"X-Scope-OrgID" = "tenant"',
        '"/run/token"',
        'sys.env("PYROSCOPE_PASSWORD")',
        'env("TOKEN")',
        "local.file.s.content",
        "max_backoff_retries = 3",
    ):
        assert word in seen


def test_places_and_carets_stay() -> None:
    text = 'a "b" {\n  password = "h\u00fcsh"\n}\n'.encode()
    start = text.index(b'"h')
    lines = render([MASK.masked(Diagnostic(Span(Source("c", text), start, start + 6), "odd"))]).splitlines()
    assert lines[0] == "Error: c:2:14: odd"
    assert lines[3] == '2 |   password = "*****"'
    assert lines[4].endswith("^" * 7)


def test_messages_quote_no_secret() -> None:
    for quoted in ('["hush-hush"] should be capsule', 'parse "hush-hush": no', "hush-hush, hush-hush"):
        assert "hush" not in shown(write('bearer_token = ["hush-hush"]'), quoted)
    assert '"ab" is odd' not in shown(write('bearer_token = "ab"'), '"ab" is odd')
    assert "able" in shown(write('bearer_token = "ab"'), "able")


def test_every_declared_secret_is_hidden_in_broken_texts_too() -> None:
    names: set[str] = set()
    catalog = load_catalog()

    def collect(spec: Spec, depth: int = 0) -> None:
        for member in spec.members:
            if isinstance(member, AttributeSpec):
                names.update([member.name] if member.secret else [])
            elif depth < 8:
                collect(member.body, depth + 1)

    for name in catalog.component_names:
        entry = catalog.component(name)
        assert entry is not None
        collect(entry.arguments)
    assert len(names) > 20
    for name in sorted(names - {"key", "content"}):  # too common if nothing says what they belong to
        assert names_secret(name) or "hush" not in shown(f'a "b" {{\n {name} = "hush"\n'), name
