"""Settings of clients and projects, and files that change on the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.lsp.test_wire_diagnostics import SCRAPE, WRITE, wait
from tests.support.lsp_client import LspClient

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


def test_it_ends_with_its_client(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as other, LspClient(tmp_path) as client:
        client.initialize(processId=other.pid)
        client.request("workspace/symbol", {"query": "x"})
        other.communicate(b"\n")
        assert client.wait() == 1
