"""Settings of clients and projects, and files that change on the disk."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.test_wire_diagnostics import SCRAPE, WRITE, wait
from tests.support.lsp_client import FULL, LspClient

SHOWN = "window/showMessage"


def test_the_settings_of_a_project_decide_over_those_of_the_client(tmp_path: Path) -> None:
    with LspClient(tmp_path, settings={"ignore": ["ALY0903"]}) as client:
        client.initialize()
        client.open("a.alloy", WRITE)
        wait(client, "a.alloy", [])
        client.settings = {}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        wait(client, "a.alloy", ["ALY0903"])
        settings = tmp_path / ".alloypy.toml"
        settings.write_text('ignore = ["ALY09"]\n')
        change = {"uri": settings.as_uri(), "type": 1}
        client.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
        wait(client, "a.alloy", [])
        settings.write_text("ignored = 1\n")
        client.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
        client.wait_for(
            lambda: [each for each in client.messages if each.get("method") == "window/showMessage"]
        )
        assert "unknown setting ignored" in client.notifications(SHOWN)[-1]["message"]


def test_a_file_that_changes_on_the_disk_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "write.alloy").write_text(WRITE)
    with LspClient(tmp_path) as client:
        client.initialize()
        client.open("scrape.alloy", SCRAPE)
        wait(client, "scrape.alloy", [])
        (tmp_path / "write.alloy").write_text(WRITE.replace("url", "ulr"))
        change = {"uri": client.uri("write.alloy"), "type": 2}
        client.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
        client.wait_for(lambda: client.diagnostics.get(client.uri("write.alloy"), {}).get("diagnostics"))


@pytest.mark.parametrize("relative", [False, True])
def test_files_of_variables_are_watched_by_the_names_in_the_settings(tmp_path: Path, relative: bool) -> None:
    capabilities = deepcopy(FULL)
    capabilities["workspace"]["didChangeWatchedFiles"]["relativePatternSupport"] = relative
    (tmp_path / ".alloypy.toml").write_text('env-files = ["variables[1].txt"]\n')
    values = tmp_path / "variables[1].txt"
    values.write_text("URL=http://one\n")
    text = WRITE.replace('"http://localhost:4040"', 'sys.env("URL")')
    with LspClient(tmp_path) as client:
        client.initialize(capabilities)
        client.open("a.alloy", text)
        assert "http://one" in _value(client, text)
        watched = client.wait_for(lambda: _watched(client))
        if relative:
            assert watched == [{"baseUri": tmp_path.as_uri(), "pattern": "variables?1?.txt"}]
        else:
            assert watched == [f"{tmp_path.as_posix()}/variables?1?.txt"]
        values.write_text("URL=http://two\n")
        client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": values.as_uri(), "type": 2}]})
        assert "http://two" in _value(client, text)
        settings = tmp_path / ".alloypy.toml"
        settings.write_text("")
        client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": settings.as_uri(), "type": 2}]})
        client.wait_for(lambda: _requests(client, "client/unregisterCapability"))


def _value(client: LspClient, text: str) -> str:
    line = next(number for number, each in enumerate(text.splitlines()) if "URL" in each)
    at = client.at("a.alloy", line, text.splitlines()[line].index("URL") + 1)
    return str(client.request("textDocument/hover", at))


def _watched(client: LspClient) -> list[Any]:
    """The patterns of the files that are watched by their names."""
    return [
        each["globPattern"]
        for params in _requests(client, "client/registerCapability")
        for registration in params["registrations"]
        if registration["id"] == "alloypy/named"
        for each in registration["registerOptions"]["watchers"]
    ]


def _requests(client: LspClient, method: str) -> list[Any]:
    return [each["params"] for each in client.messages if each.get("method") == method]


def test_it_ends_with_its_client(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as other, LspClient(tmp_path) as client:
        client.initialize(processId=other.pid)
        client.request("workspace/symbol", {"query": "x"})
        other.communicate(b"\n")
        assert client.wait() == 1
