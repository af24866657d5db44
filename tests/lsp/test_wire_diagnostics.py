"""Diagnostics while typing: pushed or pulled, for all files of a configuration."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from alloypy.files import fingerprint
from tests.support.lsp_client import FULL, LspClient
from tests.support.running import alloypy
from tests.support.waiting import wait_until

WRITE = 'pyroscope.write "w" {\n\tendpoint {\n\t\turl = "http://localhost:4040"\n\t}\n}\n'
SCRAPE = """\
pyroscope.scrape "s" {
	targets    = [{"__address__" = "localhost:1"}]
	forward_to = [pyroscope.write.w.receiver]
}
"""
BOTH = SCRAPE.replace("w.receiver", "w.receiver, pyroscope.write.v.receiver")


def codes(found: list[dict[str, Any]]) -> list[str]:
    return [each["code"] for each in found]


def wait(client: LspClient, name: str, wanted: list[str], version: int | None = None) -> list[dict[str, Any]]:
    uri = client.uri(name)

    def look() -> Any:
        found = client.diagnostics.get(uri)
        if found is None or codes(found["diagnostics"]) != wanted:
            return None
        return found if version is None or found.get("version") == version else None

    listed: list[dict[str, Any]] = client.wait_for(look)["diagnostics"]
    return listed


def test_what_is_published_is_what_validate_says(tmp_path: Path) -> None:
    text = WRITE.replace("url ", "ulr ") + 'é.b "x" {}\n' + SCRAPE.replace("write.w.", "write.x.")
    (tmp_path / "a.alloy").write_text(text)
    said = json.loads(alloypy("validate", "--output-format=json", "a.alloy", cwd=tmp_path).stdout)
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("a.alloy")
        found = client.wait_for_diagnostics("a.alloy", 1)
    assert codes(found) == [each["code"] for each in said["diagnostics"]]
    assert [
        (each["range"]["start"]["line"] + 1, each["range"]["start"]["character"] + 1, each["range"]["end"])
        for each in found
    ] == [
        (each["line"], each["column"], {"line": each["end_line"] - 1, "character": each["end_column"]})
        for each in said["diagnostics"]
    ]
    assert len(found) >= 2
    assert any(each.get("data", {}).get("fix") for each in found)


def test_a_directory_is_judged_together_with_unsaved_texts(tmp_path: Path) -> None:
    (tmp_path / "scrape.alloy").write_text(BOTH)
    (tmp_path / "write.alloy").write_text(WRITE)
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("write.alloy")
        (fault,) = wait(client, "scrape.alloy", ["ALY0410"])
        assert "pyroscope.write.v" in fault["message"]
        both = WRITE + WRITE.replace('"w"', '"v"')
        client.change("write.alloy", both)
        wait(client, "scrape.alloy", [])
        client.change("write.alloy", WRITE)
        wait(client, "scrape.alloy", ["ALY0410"])
        client.close("write.alloy")
        wait(client, "scrape.alloy", [])


def test_the_newest_version_wins(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("a.alloy", WRITE)
        for number in range(30):
            last = client.change("a.alloy", WRITE + "x" * number)
        assert client.wait_for_diagnostics("a.alloy", last)
        versions = [each["version"] for each in client.notifications("textDocument/publishDiagnostics")]
        assert versions == sorted(versions)
        assert len(versions) < 10


def test_a_client_that_pulls_is_not_pushed(tmp_path: Path) -> None:
    (tmp_path / "scrape.alloy").write_text(SCRAPE)
    document = {**FULL["textDocument"], "diagnostic": {"relatedDocumentSupport": True}}
    with LspClient(tmp_path) as client:
        client.initialize({**FULL, "textDocument": document})
        uri = client.open("write.alloy", WRITE.replace('"w"', '"v"'))
        parameters: dict[str, Any] = {"textDocument": {"uri": uri}}
        report = client.request("textDocument/diagnostic", parameters)
        assert report["kind"] == "full"
        again = client.request(
            "textDocument/diagnostic", {**parameters, "previousResultId": report["resultId"]}
        )
        assert again["kind"] == "unchanged"
        every = client.request("workspace/diagnostic", {"previousResultIds": []})
        assert uri in [each["uri"] for each in every["items"]]
        client.change("write.alloy", WRITE)
        report = client.request("textDocument/diagnostic", parameters)
        assert list(report["relatedDocuments"]) == [client.uri("scrape.alloy")]
        assert client.notifications("textDocument/publishDiagnostics") == []


def test_what_an_import_finds_in_an_open_module_is_pulled_with_it(tmp_path: Path) -> None:
    (tmp_path / "main.alloy").write_text('import.file "m" {\n\tfilename = "lib.alloy"\n}\n\nm.sink "x" { }\n')
    (tmp_path / "lib.alloy").write_text('declare "sink" { }\n\n' + WRITE)
    document = {**FULL["textDocument"], "diagnostic": {"relatedDocumentSupport": True}}
    with LspClient(tmp_path) as client:
        client.initialize({**FULL, "textDocument": document})
        main, lib = client.open("main.alloy"), client.open("lib.alloy")

        def pulled(uri: str) -> dict[str, Any]:
            report: dict[str, Any] = client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
            return report

        assert codes(pulled(lib)["items"]) == ["ALY0903"]
        # What was found beside files that have just been written is not kept: they may change unseen.
        wait_until(lambda: fingerprint(tmp_path).is_settled)
        both = pulled(main)["relatedDocuments"][lib]["items"]
        assert sorted(codes(both)) == ["ALY0503", "ALY0903"]
        assert pulled(lib)["items"] == both
        client.close("main.alloy")
        assert codes(pulled(lib)["items"]) == ["ALY0903"]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_server_that_is_pulled_forgets_closed_texts(tmp_path: Path) -> None:
    text = "".join(WRITE.replace('"w"', f'"w{number}"') for number in range(250))
    with LspClient(tmp_path) as client:

        def pages() -> int:
            return int(Path(f"/proc/{client.process.pid}/statm").read_text().split()[1])

        client.initialize({**FULL, "textDocument": {**FULL["textDocument"], "diagnostic": {}}})
        for number in range(64):
            uri = client.open(f"{number}.alloy", text)
            client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
            client.close(f"{number}.alloy")
            if number == 7:
                before = pages()
        # Each would keep 1 MB; work in several threads at once takes some that stays the same.
        assert (pages() - before) * os.sysconf("SC_PAGE_SIZE") < 28_000_000


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "vscode-vfs://github/a/b.alloy"])
def test_a_text_that_is_no_file_is_judged_alone(tmp_path: Path, uri: str) -> None:
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open(uri, SCRAPE)
        assert "ALY0410" in codes(client.wait_for_diagnostics(uri, 1))


def test_the_first_of_two_declarations_is_named(tmp_path: Path) -> None:
    text = 'local.file "a" { filename = env("X") }\nlocal.file "a" { filename = "y" }\n'
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("a.alloy", text)
        found = wait(client, "a.alloy", ["ALY0903", "ALY0901", "ALY0402"])
    (first,) = found[2]["relatedInformation"]
    assert first["message"] == "declared here first"
    assert first["location"]["uri"] == client.uri("a.alloy")
    assert first["location"]["range"] == {
        "start": {"line": 0, "character": 0},
        "end": {"line": 0, "character": 38},
    }
    assert found[1]["tags"] == [2], "struck through as deprecated"


def test_paths_begin_in_the_folder_of_the_workspace(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for each in (folder / "modules", folder / "main", elsewhere):
        each.mkdir(parents=True)
    (elsewhere / "wrong.alloy").touch()
    (folder / "modules" / "lib.alloy").write_text('declare "sink" {\n\tnothing "x" { }\n}\n')
    text = 'import.file "lib" {\n\tfilename = "modules/lib.alloy"\n}\n\nlib.sink "x" { }\n'
    (folder / "main" / "a.alloy").write_text(text)
    with LspClient(elsewhere) as client:
        client.folder = folder
        client.initialize()
        client.open("main/a.alloy")
        wait(client, "modules/lib.alloy", ["ALY0407"])
        client.open("modules/lib.alloy", 'declare "sink" { }\n')
        wait(client, "modules/lib.alloy", [])
        client.change("main/a.alloy", text.replace("modules/lib.alloy", ""))
        found = client.request("textDocument/completion", client.at("main/a.alloy", 1, 13))["items"]
        assert {each["label"] for each in found} == {"main/", "modules/"}
