"""Hover: what is said about each name, and that nothing secret is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.hover import hover, plain
from alloypy.lsp.workspace.workspace import Workspace
from tests.support.broken_texts import broken_texts
from tests.support.counts import repeated
from tests.support.lsp_client import LspClient
from tests.support.watchdog import briefly

TEXT = """prometheus.remote_write "out" {
	endpoint {
		url              = sys.env("PLACE")
		protobuf_message = "x"
		basic_auth {
			username = sys.env("API_TOKEN")
			password = sys.env("WORD")
		}
	}
}
prometheus.scrape "app" {
	targets          = []
	forward_to       = [prometheus.remote_write.out.receiver]
	scrape_protocols = []
	job_name         = env("PLACE") + constants.os
}
otelcol.auth.basic "b" { username = "u" }
declare "part" {
	argument "size" { }
	export "b" { value = argument.size.value }
}
part "p" { size = 1 }
mod.x "q" { }
logging { level = "info" }
"""


def said(word: str, text: str = TEXT, path: str = "config.alloy") -> str:
    """What hover says about the first name after `word`, up to `|` in it."""
    before, _, after = word.partition("|")
    data = text.encode()
    workspace, document = Workspace(), Document(path, data)
    workspace.open[path] = document
    found = hover(workspace, document, data.index((before + after).encode()) + len(before))
    return found.text if found is not None else ""


@pytest.mark.parametrize(
    ("word", "parts"),
    {
        "prometheus.|scrape": ["**prometheus.scrape**: component, generally-available, since Alloy 1.0"],
        "prometheus.sc|rape": ["Required: `targets`", "`forward_to`", "/prometheus/prometheus.scrape/)"],
        "prometheus.remote_wr|ite": ["Exports: `receiver` (`capsule(storage.Appendable)`)"],
        "end|point": ["**endpoint**: block, repeated", "Required: `url` (`string`)"],
        "u|rl  ": ["**url**: `string`, required"],
        "pass|word": ["**password**: `secret`", ", secret", "\n\nPassword.\n\n", "since Alloy 1.0"],
        "job_na|me": ["**job_name**: `string`, optional", "since Alloy 1.0"],
        "scrape_pro|tocols": ["`list(string)`, default `[", "since Alloy 1.2"],
        "out.recei|ver": ["**prometheus.remote_write.out**: component, declared in config.alloy, line 1"],
        "out.receiv|er": ["Export `receiver` (`capsule(storage.Appendable)`)"],
        '"ou|t"': ["`prometheus.remote_write.out.receiver`"],
        "sys.e|nv": ["sys.env(name: string) -> string", "/stdlib/sys/)"],
        " e|nv(": ["Old name of `sys.env`."],
        "constants.o|s": ["constants.os: string"],
        "argument.si|ze": ["**argument.size**: argument, declared in config.alloy, line 19"],
        'pa|rt "p"': ["**part**: custom component, declared in config.alloy, line 18"],
        "log|ging": ["config block", "/config-blocks/logging/)"],
        '"in|fo"': ["One of `debug`, `error`, `info`, `warn`"],
        'username| = "u"': ["deprecated since Alloy 1."],
    }.items(),
)
def test_what_is_said(word: str, parts: list[str]) -> None:
    text = said(word)
    assert all(part in text for part in parts), text


@pytest.mark.parametrize("word", ['"|u"', "mod.|x", "[|]\n", "{|\n\tend"])
def test_nothing_is_said_about_what_is_not_known(word: str) -> None:
    assert said(word) == ""


MODULE = """// Sends profiles.
// alloypy: ignore[ALY0903] used elsewhere
declare "relay" {
	argument "url" {
		comment = "Where profiles go."
	}
	// How often a request is tried.
	argument "retries" {
		optional = true
		default  = 3
	}
	argument "password" {
		optional = true
		default  = "hush"
	}
	argument "proxy" {
		optional = true
		default  = "http://me:hush@there"
	}
	pyroscope.write "w" { }

	// Takes profiles.
	export "receiver" { value = pyroscope.write.w.receiver }
	export "size" { value = argument.retries.value }
}
"""
USED = """import.file "lib" { filename = "lib.alloy" }
lib.relay "shop" {
	url      = "x"
	retries  = 4
	password = "y"
	proxy    = "z"
}
pyroscope.receive_http "in" { forward_to = [lib.relay.shop.receiver] }
lib.unknown "u" { }
"""
EXPORTS = "`receiver` (`capsule(pyroscope.Appendable)`)"


@pytest.mark.parametrize(
    ("word", "paragraphs"),
    {
        'lib.re|lay "shop': [
            "**lib.relay**: custom component, declared in lib.alloy, line 3",
            "Sends profiles.",
            "Arguments: `url`, `retries` (optional), `password` (optional), `proxy` (optional)",
            f"Exports: {EXPORTS}, `size`",
        ],
        '"sh|op"': [
            "**lib.relay.shop** exports:",
            f"- `lib.relay.shop.{EXPORTS[1:]}\n- `lib.relay.shop.size`",
        ],
        "u|rl ": ["**url**: argument, required, declared in lib.alloy, line 4", "Where profiles go."],
        "retr|ies": [
            "**retries**: argument, default `3`, declared in lib.alloy, line 8",
            "How often a request is tried.",
        ],
        "pass|word": ["**password**: argument, optional, declared in lib.alloy, line 12"],
        "pro|xy": [
            '**proxy**: argument, default `"http://me:xxxxx@there"`, declared in lib.alloy, line 16',
        ],
        "relay.sh|op.": [
            "**lib.relay.shop**: component, declared in config.alloy, line 2",
            f"Exports: {EXPORTS}, `size`",
        ],
        "shop.rec|eiver": [
            "**lib.relay.shop**: component, declared in config.alloy, line 2",
            f"Export {EXPORTS}, declared in lib.alloy, line 23",
            "Takes profiles.",
        ],
        'lib.un|known "u"': ["**lib.unknown**: custom component, declared in config.alloy, line 1"],
    }.items(),
)
def test_custom_components_are_described(tmp_path: Path, word: str, paragraphs: list[str]) -> None:
    (tmp_path / "lib.alloy").write_text(MODULE)
    assert said(word, USED, str(tmp_path / "config.alloy")).split("\n\n") == paragraphs


def test_values_of_variables_come_from_the_settings_and_secrets_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".alloypy.toml").write_text('env-files = ["some.env"]\n')
    (tmp_path / "some.env").write_text("PLACE=http://me:hush@there\nAPI_TOKEN=hushhush\nWORD=hushhush\n")
    path = str(tmp_path / "config.alloy")
    assert said('env("PL|ACE', path=path) == "**PLACE** = `http://me:xxxxx@there`"
    assert said('"API|_TOKEN', path=path) == "**API_TOKEN** = `(secret)`"
    assert said('"WO|RD', path=path) == ""


def test_a_client_without_markdown_gets_plain_text() -> None:
    assert plain("**a**: `b`\n\n```text\nf(x)\n```\n\n[Alloy's documentation](https://x/)") == (
        "a: b\n\nf(x)\n\nAlloy's documentation: https://x/"
    )


@settings(deadline=None, max_examples=repeated(1000))
@given(broken_texts(), st.integers(0, 2**16))
def test_no_text_is_too_broken(data: bytes, number: int) -> None:
    workspace, document = Workspace(), Document("config.alloy", data)
    workspace.open["config.alloy"] = document
    with briefly(10):
        found = hover(workspace, document, number % (len(data) + 1))
    assert found is None or 0 <= found.range.start <= found.range.stop <= len(data)


def test_hover_comes_over_the_wire(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("a.alloy", TEXT)
        found = client.request("textDocument/hover", client.at("a.alloy", 1, 3))
        assert found["contents"]["kind"] == "markdown"
        assert found["range"] == {"start": {"line": 1, "character": 1}, "end": {"line": 1, "character": 9}}
        assert client.request("textDocument/hover", client.at("a.alloy", 1, 10)) is None
