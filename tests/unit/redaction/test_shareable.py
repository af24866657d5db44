"""Configuration texts lose their secrets before they leave the process."""

from __future__ import annotations

from alloypy.check.masking import MASK
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source


def shown(text: str) -> str:
    return MASK.shareable(parse_file(Source("config.alloy", text.encode()))).decode()


def test_declared_secrets_are_hidden_and_the_rest_stays() -> None:
    text = """pyroscope.write "w" {
  endpoint {
    url          = "http://host:4040"
    bearer_token = "hush"

    basic_auth {
      username = "me"
      password = "hush" + sys.env("TAIL")
    }
  }
}
"""
    result = shown(text)
    assert "hush" not in result
    assert 'bearer_token = "(secret)"' in result
    assert 'password = "(secret)" + sys.env("TAIL")' in result
    assert 'username = "me"' in result
    assert 'url          = "http://host:4040"' in result


def test_expressions_without_literals_stay() -> None:
    text = 'pyroscope.write "w" {\n  endpoint {\n    bearer_token = local.file.t.content\n  }\n}\n'
    assert shown(text) == text


def test_secrets_inside_modules_and_loops_are_hidden() -> None:
    inner = 'pyroscope.write "w" {\n endpoint {\n url = "u"\n bearer_token = "hush"\n }\n}\n'
    for text in (
        f'declare "d" {{\n{inner}}}\n',
        f'foreach "f" {{\n collection = [1]\n var = "x"\n template {{\n{inner}}}\n}}\n',
        f'declare "o" {{\n declare "d" {{\n{inner}}}\n}}\n',
    ):
        assert "hush" not in shown(text)


def test_arguments_of_custom_components_are_judged_by_their_names() -> None:
    result = shown('sink "a" {\n  url = "plain"\n  api_token = "hush"\n}\n')
    assert "hush" not in result
    assert "plain" in result


def test_the_http_blocks_password_is_hidden() -> None:
    text = 'http {\n  auth {\n    basic {\n      username = "u"\n      password = "hush"\n    }\n  }\n}\n'
    assert "hush" not in shown(text)


def test_comments_and_credentials_in_urls_are_left_out() -> None:
    result = shown(
        '// password was hush\npyroscope.write "w" {\n  endpoint {\n    url = "https://me:hush@h/x"\n  }\n}\n'
    )
    assert "hush" not in result
    assert "https://me:xxxxx@h/x" in result
