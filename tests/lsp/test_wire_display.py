"""Formatting, outline, folding, selection and semantic tokens as a client gets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from tests.support.lsp_client import FULL, LspClient

TEXT = """// é𝒳
prometheus.scrape "app" {
  targets = [{
    "__address__" = "𝒳", job = "x",
  }]
    forward_to = []
}
"""


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    """The text with edits of a client that counts bytes."""
    data = text.encode()
    starts = [0]
    while (found := data.find(b"\n", starts[-1])) >= 0:
        starts.append(found + 1)

    def offset(position: dict[str, int]) -> int:
        return starts[position["line"]] + position["character"]

    for edit in reversed(edits):
        start, end = (offset(edit["range"][name]) for name in ("start", "end"))
        data = data[:start] + edit["newText"].encode() + data[end:]
    return data.decode()


def of(uri: str, **rest: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, **rest}


def test_a_text_is_formatted_and_taken_apart(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        capabilities = client.initialize()
        assert capabilities["documentOnTypeFormattingProvider"]["firstTriggerCharacter"] == "}"
        assert capabilities["semanticTokensProvider"]["full"] == {"delta": True}
        uri = client.open("a.alloy", TEXT)
        options = {"tabSize": 2, "insertSpaces": True}

        edits = client.request("textDocument/formatting", of(uri, options=options))
        assert edited(TEXT, edits) == format_source(Source("", TEXT.encode())).decode()
        line = {"start": {"line": 5, "character": 6}, "end": {"line": 5, "character": 6}}
        edits = client.request("textDocument/rangeFormatting", of(uri, range=line, options=options))
        assert edited(TEXT, edits) == TEXT.replace("    forward", "\tforward")

        typed = of(uri, position={"line": 6, "character": 1}, ch="}", options=options)
        edits = client.request("textDocument/onTypeFormatting", typed)
        assert edited(TEXT, edits) == TEXT.replace("    forward", "  forward")

        (symbol,) = client.request("textDocument/documentSymbol", of(uri))
        assert symbol["name"] == 'prometheus.scrape "app"'
        assert [each["name"] for each in symbol["children"]] == ["targets", "forward_to"]
        assert symbol["children"][1]["selectionRange"] == {
            "start": {"line": 5, "character": 4},
            "end": {"line": 5, "character": 14},
        }
        folds = client.request("textDocument/foldingRange", of(uri))
        assert [(each["startLine"], each["endLine"]) for each in folds] == [(1, 5), (2, 3)]

        position = {"line": 5, "character": 6}
        (selection,) = client.request("textDocument/selectionRange", of(uri, positions=[position]))
        assert selection["range"]["end"] == {"line": 5, "character": 14}
        while "parent" in selection:
            selection = selection["parent"]
        assert selection["range"]["end"] == {"line": 7, "character": 0}


def test_what_cannot_be_formatted_stays_and_the_user_is_told(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize()
        uri = client.open("a.alloy", "a = = 1\n")
        assert (
            client.request("textDocument/formatting", of(uri, options={"tabSize": 2, "insertSpaces": True}))
            is None
        )
        (said,) = client.notifications("window/showMessage")
        assert said["message"] == "not formatted, because of a fault in line 1: expected expression, got ="


def test_tokens_of_a_changed_text_are_sent_as_a_change(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize()
        uri = client.open("a.alloy", TEXT)
        first = client.request("textDocument/semanticTokens/full", of(uri))
        client.change("a.alloy", TEXT.replace("job", "team"))
        second = client.request(
            "textDocument/semanticTokens/full/delta", of(uri, previousResultId=first["resultId"])
        )
        numbers = first["data"]
        for edit in second["edits"]:
            start = edit["start"]
            numbers = numbers[:start] + edit["data"] + numbers[start + edit["deleteCount"] :]
        whole = client.request("textDocument/semanticTokens/full", of(uri))
        assert whole["data"] == numbers
        unknown = client.request("textDocument/semanticTokens/full/delta", of(uri, previousResultId="none"))
        assert unknown["data"] == numbers
        lines = {"start": {"line": 5, "character": 0}, "end": {"line": 5, "character": 3}}
        part = client.request("textDocument/semanticTokens/range", of(uri, range=lines))
        assert part["data"][:2] == [5, 4]
        assert len(part["data"]) == 10


def test_an_old_client_gets_a_list_of_symbols(tmp_path: Path) -> None:
    capabilities = {**FULL, "textDocument": {**FULL["textDocument"], "documentSymbol": {}}}
    with LspClient(tmp_path) as client:
        client.initialize(capabilities)
        uri = client.open("a.alloy", TEXT)
        symbols = client.request("textDocument/documentSymbol", of(uri))
        assert [(each["name"], each.get("containerName")) for each in symbols] == [
            ('prometheus.scrape "app"', None),
            ("targets", 'prometheus.scrape "app"'),
            ("forward_to", 'prometheus.scrape "app"'),
        ]
