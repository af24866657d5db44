"""Definition, references, rename, symbols and code lens as an editor asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lsp.test_definition import LIB, MAIN, with_cursor
from tests.support.lsp_client import FULL, LspClient, LspError

REFRESH = "workspace/codeLens/refresh"
LINK = {**FULL, "textDocument": {**FULL["textDocument"], "definition": {"linkSupport": True}}}


def at(client: LspClient, name: str, text: str, written: str) -> dict[str, Any]:
    """The parameters for the place of the cursor in a text."""
    before = with_cursor(text, written).partition("‸")[0]
    return client.at(name, before.count("\n"), len(before.rpartition("\n")[2].encode()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.alloy").write_text(MAIN)
    (tmp_path / "lib.alloy").write_text(LIB)
    return tmp_path


def test_navigation(folder: Path) -> None:
    with LspClient(folder) as client:
        client.initialize(initializationOptions={"showReferences": "show.them"})
        main = client.open("main.alloy")
        lib = client.uri("lib.alloy")
        (found,) = client.request("textDocument/definition", at(client, "main.alloy", MAIN, "lib.re‸lay"))
        assert found == {"uri": lib, "range": span(0, 9, 14)}
        found = client.request(
            "textDocument/references",
            {**at(client, "main.alloy", MAIN, '"si‸nk"'), "context": {"includeDeclaration": False}},
        )
        assert [each["range"] for each in found] == [span(10, 0, 4), span(11, 29, 33)]
        found = client.request(
            "textDocument/documentHighlight", at(client, "main.alloy", MAIN, "argument.u‸rl")
        )
        assert [(each["range"]["start"]["line"], each["kind"]) for each in found] == [(4, 3), (6, 2), (10, 3)]
        found = client.request("workspace/symbol", {"query": "rlay"})[0]
        assert found["name"] == "declare.relay"
        assert found["location"] == {"uri": lib, "range": span(0, 9, 14)}
        lenses = client.request("textDocument/codeLens", {"textDocument": {"uri": main}})
        assert [each["range"]["start"]["line"] for each in lenses] == [3, 4, 5, 10, 11, 16]
        lens = client.request("codeLens/resolve", lenses[1])
        assert lens["command"]["title"] == "2 references"
        assert lens["command"]["command"] == "show.them"
        assert lens["command"]["arguments"][:2] == [main, lenses[1]["range"]["start"]]
        assert [each["range"] for each in lens["command"]["arguments"][2]] == [
            span(6, 30, 33),
            span(10, 15, 18),
        ]


def span(line: int, start: int, stop: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": stop}}


def test_a_definition_with_the_block_around_it(folder: Path) -> None:
    with LspClient(folder) as client:
        client.initialize(LINK)
        client.open("main.alloy")
        (found,) = client.request("textDocument/definition", at(client, "main.alloy", MAIN, "lib.re‸lay"))
        assert found["targetSelectionRange"] == span(0, 9, 14)
        assert found["targetRange"]["end"] == {"line": 3, "character": 1}
        assert found["originSelectionRange"] == span(11, 4, 9)


def test_rename_over_two_files(folder: Path) -> None:
    with LspClient(folder) as client:
        client.initialize()
        main = client.open("main.alloy")
        place = at(client, "main.alloy", MAIN, "lib.re‸lay")
        prepared = client.request("textDocument/prepareRename", place)
        assert prepared == {"range": span(11, 4, 9), "placeholder": "relay"}
        edit = client.request("textDocument/rename", {**place, "newName": "forward"})
        texts = {each["textDocument"]["uri"]: each for each in edit["documentChanges"]}
        assert texts[main]["textDocument"]["version"] == 1
        assert texts[client.uri("lib.alloy")]["textDocument"]["version"] is None
        assert [each["newText"] for each in texts[main]["edits"]] == ["forward"] * 3
        with pytest.raises(LspError, match='-32803: "a b" is not a name'):
            client.request("textDocument/rename", {**place, "newName": "a b"})
        with pytest.raises(LspError, match="-32803: only labels"):
            client.request("textDocument/prepareRename", at(client, "main.alloy", MAIN, "colle‸ction"))


def test_lenses_follow_the_other_texts_and_the_files_of_the_workspace(folder: Path) -> None:
    with LspClient(folder) as client:
        client.initialize()
        client.open("main.alloy")
        lib = client.open("lib.alloy")
        (lens, *_) = client.request("textDocument/codeLens", {"textDocument": {"uri": lib}})
        assert client.request("codeLens/resolve", lens)["command"]["title"] == "3 references"
        asked = [each for each in client.messages if each.get("method") == REFRESH]
        client.change("main.alloy", "")
        client.wait_for(lambda: len([e for e in client.messages if e.get("method") == REFRESH]) > len(asked))
        assert client.request("codeLens/resolve", lens)["command"]["title"] == "0 references"
        (folder / "more.alloy").write_text(MAIN)
        change = {"uri": client.uri("more.alloy"), "type": 1}
        client.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
        assert client.request("codeLens/resolve", lens)["command"]["title"] == "3 references"
        client.settings = {"codeLens": {"references": False}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        client.wait_for(
            lambda: len([e for e in client.messages if e.get("method") == REFRESH]) > len(asked) + 2
        )
        assert client.request("textDocument/codeLens", {"textDocument": {"uri": lib}}) == []


def test_a_lens_of_an_older_text_is_not_resolved(folder: Path) -> None:
    with LspClient(folder) as client:
        client.initialize()
        main = client.open("main.alloy")
        lens = client.request("textDocument/codeLens", {"textDocument": {"uri": main}})[0]
        assert client.request("codeLens/resolve", lens)["command"]["command"] == ""
        client.change("main.alloy", MAIN + "\n")
        with pytest.raises(LspError, match="-32801"):
            client.request("codeLens/resolve", lens)
        with pytest.raises(LspError, match="-32602"):
            client.request("codeLens/resolve", {**lens, "data": None})


def test_requests_about_texts_that_are_not_open_are_refused(folder: Path) -> None:
    with LspClient(folder) as client:
        client.initialize()
        for method in ("definition", "references", "documentHighlight", "prepareRename"):
            params = {**client.at("main.alloy", 0, 0), "context": {"includeDeclaration": True}}
            with pytest.raises(LspError, match="-32602"):
                client.request(f"textDocument/{method}", params)


def test_progress_is_shown_while_a_large_workspace_is_searched(tmp_path: Path) -> None:
    text = "".join(f'local.file "l{number}" {{ filename = "x" }}\n' for number in range(300))
    for number in range(150):
        (tmp_path / f"{number}.alloy").write_text(text)
    with LspClient(tmp_path) as client:
        client.initialize()
        found = client.request("workspace/symbol", {"query": "l299", "workDoneToken": "mine"})
        assert len(found) == 150
        shown = [each["value"]["kind"] for each in client.notifications("$/progress")]
        assert (shown[0], shown[-1]) == ("begin", "end")
        number = client.start("workspace/symbol", {"query": "l29"})
        client.notify("$/cancelRequest", {"id": number})
        with pytest.raises(LspError, match="-32800"):
            client.answer(number)
