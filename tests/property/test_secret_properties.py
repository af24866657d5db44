"""Whatever a secret looks like and however it is written, no diagnostic shows it."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alloypy.check.masking import MASK
from alloypy.lang.evaluation.evaluator import evaluate
from alloypy.lang.go.url import parse_url, redact_url
from alloypy.lang.secrecy import hide
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.parser import parse_file
from alloypy.syntax.render import render
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block
from tests.support.counts import repeated
from tests.support.watchdog import briefly

allow_recursion()  # hypothesis watches the recursion limit, so set it before hypothesis looks

SECRETS = st.text(
    st.sampled_from("@:/?#&=%\"'`\\ \t,;{}[]()+-_.!$*~|<>^ \u00e9\u4e2d09azAZ"), min_size=4, max_size=16
).map(lambda text: f"Q{text}Z")
"""Letters at both ends, so that a secret can be distinguished from its surroundings."""

PLAIN = st.text(
    st.sampled_from("@:/?#&=%'\\ ,;{}[]()+-_.!$*~|<>^ \u00e9\u4e2d09azAZ"), min_size=4, max_size=16
).map(lambda text: f"Q{text}Z")


def literal(text: str) -> str:
    """A string of the language."""
    return json.dumps(text, ensure_ascii=False)


def excerpts(text: str) -> str:
    """All lines of a text, as `validate` would show them."""
    data = text.encode()
    span = Span(Source("c.alloy", data), 0, len(data) - 1)
    return render([MASK.masked(Diagnostic(span, f"odd: {text}"))])


def assert_hidden(secret: str, shown: str) -> None:
    """Neither the secret nor a recognisable part of it is there, in any notation."""
    for text in (secret, literal(secret)[1:-1]):
        assert text not in shown
        assert text[len(text) // 2 :] not in shown


WRITTEN = {
    "a declared secret": "bearer_token = {0}",
    "a list": "http_headers = {{ X = [{0}] }}",
    "an unknown name": "pasword = {0}",
    "a header": 'headers = {{ "Authorization" = {0} }}',
    "a URL": "proxy_url = {1}",
    "a URL in parts": 'proxy_url = "http://me:" + {0} + "@host"',
    "a format": 'proxy_url = string.format("http://%s:%s@%s", "me", {0}, "host")',
    "no scheme": "proxy_url = {2}",
}


@given(SECRETS, st.sampled_from(sorted(WRITTEN)), st.sampled_from(["", "x =\n"]))
@settings(max_examples=repeated(3000))
@example('Q@/?#"\\Z', "a URL", "")
@example('Q"} x = "Z', "a declared secret", "x =\n")
@briefly()
def test_excerpts_and_messages_show_no_secret(secret: str, place: str, broken: str) -> None:
    values = (literal(secret), literal(f"http://me:{secret}@host/x"), literal(f"me:{secret}@host:1"))
    text = (
        f'pyroscope.write "w" {{\n  endpoint {{\n    {WRITTEN[place].format(*values)}\n    {broken}  }}\n}}\n'
    )
    assert_hidden(secret, excerpts(text))
    if not broken:
        assert_hidden(secret, MASK.shareable(parse_file(Source("c.alloy", text.encode()))).decode())


@given(
    SECRETS,
    st.sampled_from(['password = "{}"', "password = '{}'", "password: {}", "password = {}", "password {}"]),
)
@settings(max_examples=repeated(3000))
@briefly()
def test_secrets_that_are_not_even_quoted_right(secret: str, written: str) -> None:
    text = f'a "b" {{\n  {written.format(secret)}\n}}\n'
    try:
        file = parse_file(Source("c.alloy", text.encode()))
    except DiagnosticsError as error:
        shown = "".join(render([MASK.masked(each)], hints=True) for each in error.diagnostics)
        assert secret not in shown
        return
    (block,) = file.body
    assert isinstance(block, Block)
    if isinstance(block.body[0], Attribute) and evaluates_to(block.body[0], file.source, secret):
        assert_hidden(secret, excerpts(text))


def evaluates_to(attribute: Attribute, source: Source, secret: str) -> bool:
    """Whether the text gives the secret, and nothing that happens to be an expression."""
    from alloypy.lang.stdlib import Stdlib

    try:
        return bool(evaluate(attribute.value, source, Stdlib({})) == secret)
    except Exception:
        return False


@given(
    SECRETS,
    st.sampled_from(["http://me:{}@host/x", "https://me:{}@host:1/x?y=z", "postgres://me:{}@host/db"]),
)
@settings(max_examples=repeated(3000))
@briefly()
def test_urls_show_no_password(secret: str, form: str) -> None:
    url = form.format(secret)
    assert_hidden(secret, hide(url))
    assert hide(url).startswith(f"{url.partition(':')[0]}://me:xxxxx@host")
    try:
        parse_url(url)
    except ValueError as error:
        assert_hidden(secret, str(error))
        assert_hidden(secret, redact_url(url))


@given(
    PLAIN,
    st.sampled_from(
        ["password: {}", "a:\n  token: {}\n  b: c", "- secret: '{}'", "password={}", '"pwd": "{}"']
    ),
)
@settings(max_examples=repeated(3000))
@briefly()
def test_settings_within_a_text_show_no_secret(secret: str, form: str) -> None:
    quoted = {"'": secret.replace("'", "''"), '"': literal(secret)[1:-1]}
    if form.startswith("password="):
        secret = secret.replace("=", "~")  # this would begin another setting
    setting = form.format(quoted.get(form[-1], secret))
    assert_hidden(secret, hide(setting))
    text = f"a {literal('b')} {{\n  config = {literal(setting)}\n}}\n"
    assert_hidden(secret, excerpts(text))
