"""Broken and hostile clients: one answer to each request, no traceback and no hang."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
from lsprotocol import types

from tests.support.counts import repeated
from tests.support.lsp_client import PATIENCE, LspClient, LspError, frame
from tests.support.lsp_damage import WRONG, damaged, filled, parameters, places
from tests.support.running import ALLOYPY, of_checkout

TEXT = """\
declare "d" {
	argument "x" { }
	export "y" { value = argument.x.value }
}
d "e" { x = "é😀" }
logging { level = env("HOME") }
"""
ENDS = {"initialize", "shutdown", "exit"}
INTERNAL = -32603
CANCELLED = -32800


def served() -> list[str]:
    from alloypy.lsp.wire.server import Server

    features = Server().protocol.fm
    return sorted({*features.features, *features.builtin_features} & set(types.METHOD_TO_TYPES))


def is_request(method: str) -> bool:
    return any(each.name == "id" for each in attrs.fields(types.METHOD_TO_TYPES[method][0]))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[LspClient]:
    (tmp_path / "a.alloy").write_text(TEXT)
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("a.alloy")
        yield client
        client.open("last.alloy", TEXT)
        assert client.request("textDocument/hover", client.at("last.alloy", 0, 2))["contents"]


def answered(client: LspClient, number: int) -> int:
    """The code of an error, 0 for a result."""
    try:
        client.answer(number)
    except LspError as error:
        assert error.code != INTERNAL, error
        return error.code
    return 0


def test_any_member_of_any_parameters_may_be_wrong(client: LspClient) -> None:
    random = Random(1)
    uri = client.uri("a.alloy")
    known = {"uri": uri, "position": {"line": 1, "character": 12}, "data": {"uri": uri, "version": 1}}
    for method in served():
        if method in ENDS:
            continue
        right = filled(parameters(method), known)
        wrong = [(path, each) for path in places(right) for each in WRONG]
        codes = set()
        for path, value in random.sample(wrong, min(len(wrong), repeated(400))):
            sent = damaged(right, path, value)
            if is_request(method):
                codes.add(answered(client, client.start(method, sent)))
            else:
                client.notify(method, sent)
                client.open("a.alloy")
        assert not is_request(method) or codes & {0, -32602, -32803, -32801}, method


@pytest.mark.parametrize("part", range(1))
def test_the_first_message_may_be_anything(part: int, tmp_path: Path) -> None:
    """In this process: a server says hello only once."""
    from alloypy.lsp.wire.server import Server

    random = Random(part)
    right = filled(parameters("initialize"), {"uri": tmp_path.as_uri(), "rootUri": tmp_path.as_uri()})
    wrong = [(path, each) for path in places(right) for each in WRONG]
    for path, value in random.sample(wrong, repeated(200)):
        server, sent = Server(), list[bytes]()
        conversation(server, sent)
        first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": damaged(right, path, value)}
        server.protocol.receive(json.dumps(first).encode())
        (answer,) = sent
        found = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert found["id"] == 1
        assert "result" in found or found["error"]["code"] == -32602, (path, found)


def conversation(server: Any, sent: list[bytes]) -> None:
    import asyncio

    async def begin() -> None:
        server.protocol.begin(sent.append)

    asyncio.run(begin())


POSITIONS = [-1, 0, 7, 2**31 - 1, 2**31, 2**63, 10**30]


def test_positions_may_be_anywhere(client: LspClient) -> None:
    random = Random(2)
    for method in served():
        right = parameters(method)
        if not is_request(method) or not isinstance(right, dict) or not {"position", "range"} & set(right):
            continue
        for _ in range(repeated(60)):
            lines, columns = random.choices(POSITIONS, k=2), random.choices(POSITIONS, k=2)
            ends = [{"line": line, "character": column} for line, column in zip(lines, columns, strict=True)]
            place = {"start": ends[0], "end": ends[1]}
            at = {"textDocument": {"uri": client.uri("a.alloy")}, "position": ends[0], "range": place}
            if "context" in right and method == "textDocument/codeAction":
                at["context"] = {"diagnostics": []}
            answered(client, client.start(method, {**right, **at}))


def hostile_uris(folder: Path) -> list[str]:
    (folder / "folder.alloy").mkdir()
    os.mkfifo(folder / "fifo.alloy")
    (folder / "loop.alloy").symlink_to("loop.alloy")
    (folder / "round").symlink_to(".")
    here = folder.as_uri()
    named = [f"{here}/{each}.alloy" for each in ("folder", "fifo", "loop", "round/a", "missing/a", "%FF%FE")]
    return [
        *named,
        *("", "/", "x", "x" * 5_000, "file:", "file://", "file:///", "file:///dev/zero", "file:relative"),
        *(
            "file:///%zz.alloy",
            "file:///%00.alloy",
            "file:///" + "y" * 300 + ".alloy",
            "file://elsewhere/a.alloy",
        ),
        *(
            "file:///" + "a/" * 3_000 + "a.alloy",
            "http://localhost/a.alloy",
            "untitled:Untitled-1",
            ":::",
        ),
        *(
            "FILE:///a.alloy",
            "file:///a.alloy?x#y",
            "\ud800",
            "file:///\ud800.alloy",
            "vscode-vfs://github/a",
            "file:///dev/stdin",
        ),
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs")
def test_texts_may_have_any_name(client: LspClient) -> None:
    text = TEXT + 'import.file "i" { filename = "fifo.alloy" }\nimport.file "j" { filename = "/dev/zero" }\n'
    for uri in hostile_uris(client.folder):
        document = {"uri": uri, "languageId": "alloy", "version": 1, "text": text}
        client.notify("textDocument/didOpen", {"textDocument": document})
        for method in served():
            right = parameters(method)
            if is_request(method) and isinstance(right, dict) and "textDocument" in right:
                known = {"textDocument": {"uri": uri}, "diagnostics": []}
                assert answered(client, client.start(method, filled(right, known))) in {0, -32803, -32602}
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


NO_MESSAGES = [
    b"Content-Length: -1\r\n\r\n",
    b"Content-Length: x\r\n\r\n",
    b"Content-Length: 99999999999999999999999\r\n\r\n",
    b"Content-Type: x\r\n\r\n",
    b"\x00\xff" * 5_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    *(b"Content-Length: %d\r\n\r\n%b" % (len(each), each) for each in (b"{", b"\xff", b"[" * 90_000, b"")),
    frame(None),
    frame([]),
    frame([{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}]),
    frame({"jsonrpc": "1.0", "id": 1, "method": "shutdown"}),
    frame({"jsonrpc": "2.0", "id": None, "method": "shutdown"}),
    frame({"jsonrpc": "2.0", "id": {}, "method": "shutdown"}),
    frame({"jsonrpc": "2.0", "id": 1.5, "method": "shutdown"}),
    frame({"jsonrpc": "2.0", "id": 7, "method": 1}),
    frame({"jsonrpc": "2.0"}),
]


def test_what_is_no_message_is_refused_and_the_next_is_answered(client: LspClient) -> None:
    for number, sent in enumerate(NO_MESSAGES):
        client.send(sent)
        wanted = number + 1

        def refused(wanted: int = wanted) -> bool:
            errors = [each for each in client.messages if "error" in each]
            return len(errors) >= wanted

        client.wait_for(refused)
        assert client.request("textDocument/hover", client.at("a.alloy", 0, 2))


def test_lines_of_headers_may_end_with_a_line_feed(client: LspClient) -> None:
    body = b'{"jsonrpc":"2.0","id":"lf","method":"textDocument/hover","params":{}}'
    client.send(b"content-length:%d\nX-Other: 1\n\n%b" % (len(body), body))
    with pytest.raises(LspError, match="-32602"):
        client.answer("lf")


def test_answers_to_nothing_and_odd_cancellations_are_ignored(client: LspClient) -> None:
    answers: list[dict[str, Any]] = [
        {"result": 1},
        {"error": {}},
        {"error": 3},
        {"result": None, "error": None},
    ]
    for answer in answers:
        for number in ("none", 5, -1, 10**30):
            client.send(frame({"jsonrpc": "2.0", "id": number, **answer}))
    odd: list[Any] = [1, 99, "x", None, 1.5, [], {}]
    for cancelled in odd:
        client.notify("$/cancelRequest", {"id": cancelled})
    client.notify("$/cancelRequest", None)
    client.notify("$/unknown", [1])


def test_texts_that_are_changed_in_the_wrong_order(client: LspClient) -> None:
    never = client.uri("never.alloy")
    change = {"textDocument": {"uri": never, "version": 3}, "contentChanges": [{"text": "a"}]}
    client.notify("textDocument/didChange", change)
    client.notify("textDocument/didClose", {"textDocument": {"uri": never}})
    client.open("a.alloy", "x = 1")
    client.open("a.alloy", TEXT)
    for version in (9, 3, -5, None):
        document = {"uri": client.uri("a.alloy"), "version": version}
        client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": []})
    assert client.request("textDocument/documentSymbol", client.at("a.alloy", 0, 0))
    with pytest.raises(LspError, match=r"never\.alloy is not open"):
        client.request("textDocument/documentSymbol", client.at("never.alloy", 0, 0))


def test_thousands_of_requests_each_get_one_answer(client: LspClient) -> None:
    at = {**client.at("a.alloy", 4, 1), "context": {"includeDeclaration": True}}
    numbers = [client.start("textDocument/references", at) for _ in range(3_000)]
    for number in numbers[::2]:
        client.notify("$/cancelRequest", {"id": number})
    codes = [answered(client, number) for number in numbers]
    assert set(codes) <= {0, CANCELLED, -32803}
    assert 0 in codes


@pytest.mark.parametrize("started", [True, False])
def test_work_that_is_cancelled_is_answered_so_and_the_next_is_done(started: bool, tmp_path: Path) -> None:
    text = "".join(f'declare "d{number}" {{ }}\nd{number} "e" {{ }}\n' for number in range(1_500))
    for number in range(8):
        (tmp_path / f"{number}.alloy").write_text(text)
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("a.alloy", TEXT)
        search = {**client.at("a.alloy", 0, 9), "context": {"includeDeclaration": True}}
        first = client.start("workspace/symbol", {"query": "d"})
        cancelled = [first] if started else []
        cancelled += [client.start("textDocument/references", search) for _ in range(5)]
        for number in cancelled:
            client.notify("$/cancelRequest", {"id": number})
        assert {answered(client, number) for number in cancelled} == {CANCELLED}
        if not started:
            assert client.answer(first)
        assert client.request("textDocument/references", search)


def test_a_text_that_is_too_large_is_only_kept(client: LspClient) -> None:
    client.open("large.alloy", "// x\n" * 300_000)
    message = client.wait_for(lambda: client.notifications("window/showMessage"))[0]
    assert "large.alloy is larger than 1 MB" in message["message"]
    at = client.at("large.alloy", 0, 0)
    assert client.request("textDocument/hover", at) is None
    assert client.request("textDocument/documentSymbol", at) is None
    with pytest.raises(LspError, match="larger than 1 MB"):
        client.request("textDocument/rename", {**at, "newName": "x"})
    every = {"start": {"line": 0, "character": 0}, "end": {"line": 300_000, "character": 0}}
    client.change("large.alloy", {"range": every, "text": TEXT})
    assert client.request("textDocument/hover", client.at("large.alloy", 0, 2))["contents"]


@pytest.mark.parametrize("nested", ["[", "(", "{a=", "b {\n", "/*", "1+", '"\n'])
def test_a_text_that_is_nested_deeply_holds_no_other_up(nested: str, client: LspClient) -> None:
    client.open("deep.alloy", "a = " + nested * (20_000 // len(nested)))
    at = {**client.at("deep.alloy", 0, 9_000), "positions": [{"line": 0, "character": 9_000}]}
    every = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    for method in served():
        if is_request(method) and "textDocument" in (parameters(method) or {}):
            asked = filled(parameters(method), {**at, "range": every, "diagnostics": []})
            answered(client, client.start(method, asked))


@pytest.mark.parametrize("dies", [True, False])
def test_a_client_that_does_not_read_holds_nothing_up(dies: bool, tmp_path: Path) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}
    asked = {"jsonrpc": "2.0", "id": 2, "method": "x" * 100, "params": None}
    process = subprocess.Popen(
        [*ALLOYPY, "lsp"], cwd=tmp_path, env=of_checkout(None), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(frame(hello) + frame(asked) * 3_000)
    if dies:
        process.stdout.close()
    process.stdin.close()
    assert process.wait(PATIENCE) == 1
    process.stdout.close()


@pytest.mark.parametrize("settings", ["[[[", "a = " + "[" * 90_000, "a = [" + "1," * 5_000_000 + "]"])
def test_settings_that_cannot_be_read_are_said_once(settings: str, tmp_path: Path) -> None:
    (tmp_path / ".alloypy.toml").write_text(settings)
    (tmp_path / "a.alloy").write_text(TEXT)
    with LspClient(tmp_path) as client:
        client.initialize()
        for name in ("a.alloy", "b.alloy"):
            client.open(name, TEXT)
            assert client.request("textDocument/hover", client.at(name, 0, 2))["contents"]
            client.wait_for_diagnostics(name, 1)
        said = [each["message"] for each in client.notifications("window/showMessage")]
        assert len(said) == 1, said
        assert ".alloypy.toml" in said[0]


def test_folders_that_are_no_directories_are_not_searched(client: LspClient) -> None:
    folders = [
        {"uri": each, "name": "x"} for each in ("\ud800", "x", "", "http://localhost/x", "file:///%00")
    ]
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": folders, "removed": []}})
    assert client.request("workspace/symbol", {"query": ""})
