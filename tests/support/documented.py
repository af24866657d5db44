"""The code blocks of the documentation, and a reader who follows a page from top to bottom.

The reader saves every `alloy` block as `config.alloy` in a directory and runs every `sh` block there with
`bash -euo pipefail`. A block that ends with `alloypy run` or `alloypy dev-sink` runs until the page ends.
Ports of the page are replaced by free ones. A `text` block shows what an earlier block has printed; a
`console` block shows commands after `$ `, and everything that each of them prints. The comment
`<!-- not run: reason -->` before a block skips it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import yaml

from tests.support.running import environment, free_port

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- not run: (.+?) -->\n\Z")
_SERVER = re.compile(r"^(?:\w+=\S+ )*alloypy (?:run|dev-sink)\b", re.MULTILINE)
_SERVING = re.compile("Alloy is running|waiting for profiles on")
_INSTALLING = re.compile(r"\b(?:pip|pipx|uv tool|npm) install\b")
_PORTS = re.compile(r"\b(?:4040|9999|12345)\b")
_ADMIN = "--server.http.listen-addr=127.0.0.1:12345"
_PATIENCE = 60.0


class Block(NamedTuple):
    """A code block. line: of its fence. reason: why it is not run, empty where it is."""

    language: str
    text: str
    line: int
    reason: str

    @property
    def serves(self) -> bool:
        """Whether its last command runs until it is stopped."""
        return self.language == "sh" and bool(_SERVER.search(self.text))

    @property
    def installs(self) -> bool:
        """Whether it downloads and installs packages."""
        return self.language == "sh" and bool(_INSTALLING.search(self.text))


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [_block(text, fence) for fence in _FENCE.finditer(text)]


def _block(text: str, fence: re.Match[str]) -> Block:
    mark = _MARK.search(text[: fence.start()])
    return Block(fence[1], fence[2], text.count("\n", 0, fence.start()) + 1, mark[1] if mark else "")


class Reader:
    """Follows a page; a context manager that stops the processes that the page has started.

    directory: where the page's commands run. path: of the programs, first to look in.
    printed: what all commands have printed so far.
    """

    def __init__(self, directory: Path, path: Path, variables: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.printed: list[str] = []
        own = environment({"TERM": "dumb", **(variables or {})})
        self._environment = own | {"PATH": f"{path}{os.pathsep}{own['PATH']}"}
        self._ports: dict[str, str] = {}
        self._homes = 0
        self._move()
        self._servers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended = [server.args for server in self._servers if server.poll() is not None]
        for server in reversed(self._servers):  # senders stop before their destinations
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
        for server in self._servers:
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        if error is None:
            assert not ended, f"ended by itself: {ended}"

    def _move(self) -> None:
        """Use an empty home directory: a reader takes only one of the alternative ways to install."""
        self._homes += 1
        home = self.directory / f"home{self._homes}"
        home.mkdir()
        self._environment["HOME"] = str(home)

    def follow(self, block: Block) -> None:
        """Do with the block what a reader does."""
        if block.installs:
            self._move()
        text = _PORTS.sub(self._free, block.text)
        match block.language:
            case "alloy":
                (self.directory / "config.alloy").write_text(text, encoding="utf-8")
                self.run("alloypy fmt --check config.alloy")
                self.run("alloypy validate --for=alloypy --stability.level=public-preview config.alloy")
            case "sh" if block.serves:
                self._serve(text)
            case "sh":
                self.run(text)
            case "json":
                json.loads(block.text)
            case "yaml":
                list(yaml.safe_load_all(block.text))
            case "toml":
                tomllib.loads(block.text)
            case "text":
                self._expect(block.text)
            case "console":
                self._converse(block.text)
            case language:
                raise AssertionError(f"blocks in {language!r} cannot be run: mark it with a reason")

    def _free(self, port: re.Match[str]) -> str:
        return self._ports.setdefault(port[0], str(free_port()))

    def run(self, script: str) -> None:
        """Run a script until it ends; it must succeed."""
        ended = self._ended(script)
        assert ended.returncode == 0, f"{script}\nended with {ended.returncode}:\n{ended.stdout}"
        self.printed += ended.stdout.splitlines()

    def _converse(self, text: str) -> None:
        for exchange in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, answer = exchange.partition("\n")
            printed = [line.rstrip() for line in self._ended(command).stdout.splitlines()]
            # On a terminal the two streams keep their order; in a pipe they do not.
            assert sorted(printed) == sorted(answer.splitlines()), f"{command} prints {printed}"

    def _ended(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def _serve(self, script: str) -> None:
        """Start a server and wait until it serves; free ports replace its default ports too."""
        script = script.replace("alloypy run ", f"alloypy run {_PORTS.sub(self._free, _ADMIN)} ")
        if "--listen-addr" not in script:
            address = _PORTS.sub(self._free, "127.0.0.1:4040")
            script = script.replace("alloypy dev-sink", f"alloypy dev-sink --listen-addr={address}")
        server = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._servers.append(server)
        before = len(self.printed)
        threading.Thread(target=self._read, args=(server,), daemon=True).start()
        self._wait_for(_SERVING, server, before)

    def _read(self, server: subprocess.Popen[str]) -> None:
        assert server.stdout is not None
        with server.stdout:
            for line in server.stdout:
                self.printed.append(line.rstrip("\n"))

    def _wait_for(self, pattern: re.Pattern[str], server: subprocess.Popen[str], before: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not any(pattern.search(line) for line in self.printed[before:]):
            assert server.poll() is None, "\n".join(self.printed)
            assert time.monotonic() < deadline, "\n".join(self.printed)
            time.sleep(0.02)

    def _expect(self, shown: str) -> None:
        """Check that the output the page shows has been printed, line by line and in that order."""
        deadline = time.monotonic() + _PATIENCE
        while missing := list(_missing(shown.splitlines(), list(self.printed))):
            assert time.monotonic() < deadline, f"never printed: {missing}\nbut:\n" + "\n".join(self.printed)
            time.sleep(0.02)


def _missing(shown: list[str], printed: list[str]) -> Iterator[str]:
    place = 0
    for line in shown:
        try:
            place = printed.index(line, place) + 1
        except ValueError:
            yield line
