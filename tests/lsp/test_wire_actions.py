"""Code actions as an editor asks for them, chooses them and applies them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from alloypy.check.explanations import EXPLAINED
from tests.support.lsp_client import FULL, LspClient, LspError

_TEXT = """\
// ä𝄞
pyroscope.relabel "ä" {
	forward_to = [pyroscope.wirte.out.receiver]
}

pyroscope.write "out" {
	endpoint { }
}
"""
_ACTION = "textDocument/codeAction"


def _able(**changes: Any) -> dict[str, Any]:
    """The capabilities of a client with others for code actions; None takes one away."""
    made = copy.deepcopy(FULL)
    made["textDocument"]["codeAction"].update(disabledSupport=True, isPreferredSupport=True, **changes)
    return made


def _place(text: str, at: str, until: str = "") -> dict[str, Any]:
    """The range from the beginning of a text in another to the end of a third, in UTF-8."""
    start = text.index(at)
    stop = text.index(until, start) + len(until) if until else start
    return {"start": _position(text[:start]), "end": _position(text[:stop])}


def _position(before: str) -> dict[str, int]:
    return {"line": before.count("\n"), "character": len(before.rpartition("\n")[2].encode())}


def _offered(
    client: LspClient, uri: str, place: Mapping[str, Any], *only: str, known: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    context = {"diagnostics": list(known), "triggerKind": 1, **({"only": list(only)} if only else {})}
    asked = {"textDocument": {"uri": uri}, "range": place, "context": context}
    found: list[dict[str, Any]] = client.request(_ACTION, asked)
    return found


def _titled(actions: Sequence[dict[str, Any]], title: str) -> dict[str, Any]:
    (found,) = [each for each in actions if each["title"].startswith(title)]
    return found


def _applied(text: str, edit: Mapping[str, Any], uri: str) -> str:
    """The text after the edits of a workspace edit."""
    (change,) = [each for each in edit["documentChanges"] if each["textDocument"]["uri"] == uri]
    data = text.encode()
    lines = [0]
    for line in data.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    edits = [
        *((_at(lines, each["range"]["start"]), _at(lines, each["range"]["end"]), each["newText"])
          for each in change["edits"]),
    ]  # fmt: skip
    for start, stop, new in sorted(edits, reverse=True):
        data = data[:start] + new.encode() + data[stop:]
    return data.decode()


def _at(lines: Sequence[int], position: Mapping[str, int]) -> int:
    return lines[position["line"]] + position["character"]


def test_actions_of_a_text(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        kinds = client.initialize(_able())["codeActionProvider"]["codeActionKinds"]
        assert kinds == [
            "quickfix",
            "refactor.extract",
            "refactor.rewrite",
            "source.fixAll.alloypy",
            "explain.alloypy",
        ]
        (tmp_path / "a").mkdir()
        uri = client.open("a/config.alloy", _TEXT)
        place = _place(_TEXT, "pyroscope.wirte", "receiver")
        known = {"range": place, "code": "ALY0410", "message": "as the client has it"}
        fix = _titled(_offered(client, uri, place, known=[known]), "Change to")
        explain = _titled(_offered(client, uri, place), "Explain ALY0410")
        assert explain["kind"] == "explain.alloypy"
        client.request("workspace/executeCommand", explain["command"])
        client.wait_for(lambda: client.notifications("window/showMessage"))
        code = EXPLAINED["ALY0410"]
        said = {"type": 3, "message": f"ALY0410: {code.title}. {code.explanation}"}
        assert client.notifications("window/showMessage") == [said]
        with pytest.raises(LspError, match="-32602"):
            client.request("workspace/executeCommand", {"command": "alloypy.explain", "arguments": ["x"]})
        assert fix["kind"] == "quickfix"
        assert fix["isPreferred"] is True
        assert fix["diagnostics"] == [known]
        assert fix["edit"]["documentChanges"][0]["textDocument"] == {"uri": uri, "version": 1}
        text = _applied(_TEXT, fix["edit"], uri)
        assert text == _TEXT.replace("wirte", "write")
        missing = _titled(_offered(client, uri, _place(_TEXT, "endpoint")), "Add what is missing: `url`")
        text = _applied(_TEXT, missing["edit"], uri)
        assert text == _TEXT.replace("endpoint { }", 'endpoint {\n\t\turl = ""\n\t}')
        refused = _offered(client, uri, _place(_TEXT, 'pyroscope.write "', "\n}"), "refactor")
        assert [each.get("disabled") for each in refused] == [None]
        assert not _offered(client, uri, place, "source.organizeImports")


def test_an_action_is_worked_out_when_it_is_chosen(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize(_able())
        text = _TEXT.replace("wirte", "write")
        uri = client.open("config.alloy", text)
        (extract,) = _offered(client, uri, _place(text, 'pyroscope.write "', "\n}"), "refactor.extract")
        assert "edit" not in extract
        made = _applied(text, client.request("codeAction/resolve", extract)["edit"], uri)
        assert "forward_to = [out.default.receiver]" in made
        for data in (None, {}, {**extract["data"], "name": "x"}, {**extract["data"], "arguments": [1.5]}):
            with pytest.raises(LspError, match="-32602"):
                client.request("codeAction/resolve", {**extract, "data": data})
        client.change("config.alloy", f"{text}logging {{ }}\n")
        with pytest.raises(LspError, match="-32801"):
            client.request("codeAction/resolve", extract)
        both = _place(f"{text}logging {{ }}\n", 'pyroscope.write "', "logging { }")
        (refused,) = _offered(client, uri, both, "refactor.extract")
        assert refused["disabled"]["reason"] == "`logging` is not a component; select components only"


def test_a_client_that_cannot_resolve_gets_a_command(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize(_able(resolveSupport=None))
        text = _TEXT.replace("wirte", "write")
        uri = client.open("config.alloy", text)
        (extract,) = _offered(client, uri, _place(text, 'pyroscope.write "', "\n}"), "refactor.extract")
        assert client.request("workspace/executeCommand", extract["command"]) is None
        (asked,) = [each["params"] for each in client.messages if each.get("method") == "workspace/applyEdit"]
        assert 'declare "out"' in _applied(text, asked["edit"], uri)


def test_fixing_everything_on_save_and_ignoring(tmp_path: Path) -> None:
    text = 'local.file "a" {\n\tfilename = coalesce("", "x")\n}\n\npyroscope.write "b" { }\n'
    with LspClient(tmp_path) as client:
        client.initialize(_able())
        uri = client.open("config.alloy", text)
        assert not _offered(client, uri, _place(text, "local"), "source.organizeImports")
        here = _offered(client, uri, _place(text, "pyroscope"))
        comment = _titled(here, "Ignore ALY0910 here")
        assert "{ } // alloypy: ignore[ALY0910]\n" in _applied(text, comment["edit"], uri)
        settings = _titled(here, "Ignore ALY0910 in .alloypy.toml")["edit"]["documentChanges"]
        path = client.uri(".alloypy.toml")
        assert settings[0] == {"kind": "create", "uri": path, "options": {"ignoreIfExists": True}}
        assert settings[1]["textDocument"] == {"uri": path, "version": None}
        assert settings[1]["edits"][0]["newText"] == 'ignore = ["ALY0910"]\n'


def test_placeholders_are_snippets_for_clients_that_have_them(tmp_path: Path) -> None:
    able = _able()
    able["workspace"]["workspaceEdit"]["snippetEditSupport"] = True
    text = 'local.file "a" { }\n'
    with LspClient(tmp_path) as client:
        client.initialize(able)
        uri = client.open("config.alloy", text)
        action = _titled(_offered(client, uri, _place(text, "local")), "Add what")
        (edit,) = action["edit"]["documentChanges"][0]["edits"]
        assert edit["snippet"] == {"kind": "snippet", "value": '\n\tfilename = "$1"\n'}


def test_the_other_files_of_a_directory_follow(tmp_path: Path) -> None:
    relabel = 'pyroscope.relabel "a" {\n\tforward_to = [pyroscope.write.out.receiver]\n}\n'
    write = 'pyroscope.write "out" {\n\tendpoint {\n\t\turl = "http://x"\n\t}\n}\n'
    for name, text in (("a.alloy", relabel), ("b.alloy", "")):
        (tmp_path / name).write_text(text)
    with LspClient(tmp_path) as client:
        client.initialize(_able())
        uri = client.open("b.alloy", write)  # not saved
        (extract,) = _offered(client, uri, _place(write, "pyroscope", "\n}"), "refactor.extract")
        edit = client.request("codeAction/resolve", extract)["edit"]
        assert _applied(write, edit, uri).startswith('declare "out" {\n\texport "receiver" {')
        other = _applied(relabel, edit, client.uri("a.alloy"))
        assert other == relabel.replace("pyroscope.write.out", "out.default")


def test_settings_say_what_is_fixed(tmp_path: Path) -> None:
    text = 'local.file "a" {\n\tfilename = env("A")\n}\n'
    (tmp_path / ".alloypy.toml").write_text('extend-select = ["ALY0901"]\n')
    with LspClient(tmp_path) as client:
        client.initialize(_able())
        uri = client.open("config.alloy", text)
        (fix,) = _offered(client, uri, _place(text, "local"), "source.fixAll")
        assert _applied(text, fix["edit"], uri) == text.replace("env", "sys.env")
        settings = _titled(_offered(client, uri, _place(text, "env")), "Ignore ALY0901 in .alloypy.toml")
        (change,) = settings["edit"]["documentChanges"]
        assert change["textDocument"]["uri"] == client.uri(".alloypy.toml")
        assert change["edits"][0]["newText"] == 'ignore = ["ALY0901"]\n'
