"""The rule book of secrets: names, and texts that carry credentials in themselves."""

from __future__ import annotations

import pytest

from alloypy.lang.secrecy import HIDDEN, hide, hide_urls, keeps_secret, names_secret, secret_texts

SECRET = """
password passwords db_password userpass passphrase passwd pwd pw token bearer_token X-Auth-Token
secret client_secret clientSecret api_key apikey X-Api-Key access_key private_key key_pem
credentials authorization Proxy-Authorization Cookie Set-Cookie auth secret_id connection_string
pasword passwrod passowrd pass_word tokn toekn secrte credental autorization
"""
OPEN = """
user username client_id url token_url password_file bearer_token_file secret_name credentials_file
auth_type bypass compass taken broken section passive seconds author authority description
X-Scope-OrgID public_key key service path_prefix replacement tenant is_secret address token_provider
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_credentials_tell(name: str) -> None:
    assert names_secret(name)
    assert hide("hush", name) == HIDDEN


@pytest.mark.parametrize("name", OPEN.split())
def test_other_names_do_not(name: str) -> None:
    assert not names_secret(name)
    assert hide("plain", name) == "plain"


def test_short_names_tell_in_headers_and_queries() -> None:
    assert keeps_secret("headers", "X-Key")
    assert not keeps_secret("labels", "key")
    assert hide("https://h/?sig=hush&x=y") == "https://h/?sig=xxxxx&x=y"
    assert hide("https://h/token?x=y&key=hush&z=1", "token_url") == "https://h/token?x=y&key=xxxxx&z=1"
    assert hide("https://h/token?key=hush&sig=hush", "token_url") == "https://h/token?key=xxxxx&sig=xxxxx"
    assert hide("where key=value") == "where key=value"


def test_parameters_of_oauth2_are_secret_but_for_the_well_known() -> None:
    assert keeps_secret("endpoint_params", "assertion")
    assert not keeps_secret("endpoint_params", "audience")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x", "http://u:xxxxx@h/x"),
        ("http://u:p@ss/w?o#rd@h:1/x", "http://u:xxxxx@h:1/x"),
        ('http://u:p"x y@h', "http://u:xxxxx@h"),
        ("http://u:12/rd@h", "http://u:xxxxx@h"),
        ("http://token@h", "http://xxxxx@h"),
        ("http://token:@h", "http://xxxxx@h"),
        ("http://token:x-oauth-basic@h", "http://xxxxx@h"),
        ("http://h/a@b", "http://h/a@b"),
        ("http://a:b@c, https://d:e@f", "http://a:xxxxx@c, https://d:xxxxx@f"),
        ('http://a:b@c: Post "http://a:b@c": no', 'http://a:xxxxx@c: Post "http://a:xxxxx@c": no'),
        ("u:hush@h:1", "u:xxxxx@h:1"),
        ("root:hush@tcp(h:3306)/db", "root:xxxxx@tcp(h:3306)/db"),
        ("mail@example.org", "mail@example.org"),
        ("registry:5000/app@sha256:12", "registry:5000/app@sha256:12"),
        ("http://h/?token=hush&x=y", "http://h/?token=xxxxx&x=y"),
        ("http://h/#access_token=hush", "http://h/#access_token=xxxxx"),
        ("host=h password=hush user=u", "host=h password=xxxxx user=u"),
        ("password: hush, hush\nuser: u", "password: xxxxx\nuser: u"),
        ("a:\n  token: |\n    hush\n    hush\n  user: u", "a:\n  token: xxxxx\n  user: u"),
        ('{"password": "hu\\"sh", "user": "u"}', '{"password": "xxxxx", "user": "u"}'),
        ("password: 'hu''sh'", "password: 'xxxxx'"),
        ('password: "hu"sh', "password: xxxxx"),
        ("Bearer hush hush", "Bearer xxxxx"),
        ("Basic aHVzaDpodXNo", "Basic xxxxx"),
        ("Basic auth", "Basic auth"),
        ("glsa_0123456789abcdef", HIDDEN),
        ("-----BEGIN PRIVATE KEY-----\nhush", "-----BEGIN PRIVATE KEY-----xxxxx"),
        ("--token=hush -v", "--token=xxxxx"),
        ("--token hush --user u", "--token xxxxx --user u"),
        ("a secret: hush", "a secret: xxxxx"),
        ("http://token:8080/x", "http://token:8080/x"),
        ("at token-server:8080", "at token-server:8080"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_texts_tell_by_their_form(text: str, shown: str) -> None:
    assert hide(text) == shown


def test_what_is_called_a_url_needs_no_scheme() -> None:
    assert hide("hush@proxy:3128", "proxy") == "xxxxx@proxy:3128"
    assert hide("u:hu/sh@proxy:3128", "proxy_url") == "u:xxxxx@proxy:3128"


def test_messages_keep_all_but_credentials() -> None:
    assert hide_urls('Get "http://u:p@h/x": no host') == 'Get "http://u:xxxxx@h/x": no host'
    assert hide_urls('"http://u:p \\"q@h" is none') == '"http://u:xxxxx@h" is none'
    assert hide_urls("password = x, see http://h") == "password = x, see http://h"


def test_texts_below_names_of_secrets() -> None:
    variables = {
        "argument": {"password": {"value": "a"}, "user": {"value": "b"}},
        "item": [{"token": ["c", {"deep": "d"}], "host": "e"}],
        "local": {"file": {"f": {"content": "f"}}},
    }
    assert secret_texts(variables) == {"a", "c", "d"}
