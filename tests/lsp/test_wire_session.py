"""`alloypy lsp` as editors start it: hello, texts, goodbye."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.lsp_client import LspClient, LspError
from tests.support.running import alloypy


def test_it_says_hello_and_ends_when_it_is_told(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        capabilities = client.initialize()
        assert capabilities["positionEncoding"] == "utf-8"
        assert capabilities["textDocumentSync"]["change"] == 2
        assert client.request("shutdown") is None
        with pytest.raises(LspError, match="-32600"):
            client.request("textDocument/hover", client.at("a.alloy", 0, 0))
        client.notify("exit")
        assert client.wait() == 0


def test_exit_without_shutdown_is_a_failure(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize()
        client.notify("exit")
        assert client.wait() == 1


def test_it_ends_with_its_input(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        client.initialize()
        assert client.process.stdin is not None
        client.process.stdin.close()
        assert client.wait() == 1


def test_nothing_is_answered_before_initialize(tmp_path: Path) -> None:
    with LspClient(tmp_path) as client:
        with pytest.raises(LspError, match="-32002"):
            client.request("textDocument/hover", client.at("a.alloy", 0, 0))
        client.initialize()
        with pytest.raises(LspError, match="-32600"):
            client.initialize()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'pygls' else found(name, *rest)\n"
        "from alloypy.cli.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    done = alloypy(cwd=tmp_path, command=(sys.executable, "-c", program))
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'alloypy[lsp]'" in done.stderr


@pytest.mark.parametrize("address", ["here", ":1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    done = alloypy("lsp", f"--tcp={address}")
    assert done.returncode == 1
    assert "HOST:PORT is expected" in done.stderr
