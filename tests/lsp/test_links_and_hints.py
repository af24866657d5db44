"""Links of a text, and values shown in it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings

from alloypy.catalog.catalog import Catalog, load_catalog
from alloypy.catalog.versions import find_version
from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.hints import hints
from alloypy.lsp.features.links import links
from alloypy.lsp.workspace.workspace import Workspace
from tests.support.broken_texts import broken_texts
from tests.support.counts import repeated
from tests.support.lsp_client import LspClient
from tests.support.watchdog import briefly

TEXT = """import.file "mod" { filename = module_path + "/mod.alloy" }
import.file "gone" { filename = "gone.alloy" }
pyroscope.write "w" {
	endpoint {
		url = sys.env("PLACE") // env("PLACE")
		basic_auth {
			username = env( "API_TOKEN" )
			password = sys.env("PLACE")
		}
	}
	x = "env(\\"PLACE\\")" + sys.env("UNKNOWN")
}
mod.x "a" {
"""


def test_components_lead_to_their_documentation_and_imports_to_their_files(tmp_path: Path) -> None:
    (tmp_path / "mod.alloy").write_text("")
    document = Document(str(tmp_path / "config.alloy"), TEXT.encode())
    found = [
        (document.data[each.range.start : each.range.stop].decode(), each.target)
        for each in links(Workspace(), document)
    ]
    page = "https://grafana.com/docs/alloy/latest/reference"
    assert found == [
        ("import.file", f"{page}/config-blocks/import.file/"),
        ('module_path + "/mod.alloy"', str(tmp_path / "mod.alloy")),
        ("import.file", f"{page}/config-blocks/import.file/"),
        ("pyroscope.write", f"{page}/components/pyroscope/pyroscope.write/"),
    ]


def test_values_of_variables_are_shown_but_no_secrets(tmp_path: Path) -> None:
    (tmp_path / ".alloypy.toml").write_text('env-files = ["some.env"]\n')
    (tmp_path / "some.env").write_text(f"PLACE=http://x/{'y' * 100}\nAPI_TOKEN=hush\n")
    document = Document(str(tmp_path / "config.alloy"), TEXT.encode())
    found = list(hints(Workspace(), document, 0, len(document.data)))
    assert [each.text for each in found] == [f"= http://x/{'y' * 50}…"]
    assert document.data[: found[0].offset].endswith(b'url = sys.env("PLACE")')
    assert list(hints(Workspace(), document, 0, document.data.index(b"url"))) == []


def test_a_client_says_which_hints_it_wants(tmp_path: Path) -> None:
    (tmp_path / ".alloypy.toml").write_text('env-files = ["some.env"]\nalloy-version = "1.0"\n')
    (tmp_path / "some.env").write_text("PLACE=there\n")
    text = 'prometheus.remote_write "w" {\n\tendpoint {\n\t\turl = sys.env("PLACE")\n\t}\n}\n'
    document = Document(str(tmp_path / "config.alloy"), text.encode())
    workspace = Workspace()
    for wanted, shown in (
        ({}, ["= there", "endpoint/enable_http2"]),
        ({"inlayHints": None}, ["= there", "endpoint/enable_http2"]),
        ({"inlayHints": {"environment": False, "defaults": None}}, ["endpoint/enable_http2"]),
        ({"inlayHints": {"defaults": False}}, ["= there"]),
        ({"inlayHints": False}, []),
    ):
        workspace.configure(wanted)
        found = [each.text.partition(":")[0] for each in hints(workspace, document, 0, len(text))]
        assert sorted(found) == shown, wanted


class Old(Workspace):
    """Configurations of Alloy 1.0."""

    def language(self, path: str) -> Catalog:
        return load_catalog(find_version("1.0"))


def test_defaults_that_an_upgrade_changes_are_shown_also_beside_a_fault() -> None:
    text = """prometheus.remote_write "w" {
	endpoint {
		url = "http://x"
	}
}

prometheus.scrape "s" {
	targets = = []
}
"""
    document = Document("config.alloy", text.encode())
    (found,) = hints(Old(), document, 0, len(text))
    assert text[: found.offset].endswith("\tendpoint {")
    assert found.text == "endpoint/enable_http2: default true, from 1.11.0 on false"
    assert list(hints(Workspace(), document, 0, len(text))) == []


@settings(deadline=None, max_examples=repeated(1000))
@given(broken_texts())
def test_no_text_is_too_broken(data: bytes) -> None:
    document = Document("config.alloy", data)
    with briefly(10):
        for each in links(Workspace(), document):
            assert 0 <= each.range.start < each.range.stop <= len(data)
        for hint in hints(Old(), document, 0, len(data)):
            assert 0 <= hint.offset <= len(data)


def hints_are_refreshed(client: LspClient) -> bool:
    """Whether the server has asked for new hints after it has read the settings a second time."""
    methods = [each.get("method") for each in client.messages]
    asked = [number for number, each in enumerate(methods) if each == "workspace/configuration"]
    return len(asked) > 1 and "workspace/inlayHint/refresh" in methods[asked[1] :]


def test_they_come_over_the_wire(tmp_path: Path) -> None:
    (tmp_path / "mod.alloy").write_text("")
    (tmp_path / ".alloypy.toml").write_text('env-files = ["some.env"]\n')
    (tmp_path / "some.env").write_text("PLACE=there\n")
    with LspClient(tmp_path) as client:
        client.initialize()
        uri = client.open("config.alloy", TEXT)
        found = client.request("textDocument/documentLink", {"textDocument": {"uri": uri}})
        assert found[1]["target"] == client.uri("mod.alloy")
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
        found = client.request("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": whole})
        assert [(each["label"], each["position"]) for each in found] == [
            ("= there", {"line": 4, "character": 24})
        ]
        client.settings = {"inlayHints": {"environment": False}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        client.wait_for(lambda: hints_are_refreshed(client))
        hints = {"textDocument": {"uri": uri}, "range": whole}
        assert client.request("textDocument/inlayHint", hints) == []
