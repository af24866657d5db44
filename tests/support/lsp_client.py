"""A client of `alloypy lsp`: a process and the messages to and from it, for tests and benchmarks."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.running import ALLOYPY, of_checkout

PATIENCE = 60.0
FULL: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-8", "utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]},
        "codeLens": {"refreshSupport": True},
        "inlayHint": {"refreshSupport": True},
        "semanticTokens": {"refreshSupport": True},
    },
    "textDocument": {
        "synchronization": {"didSave": True},
        "completion": {
            "completionItem": {
                "snippetSupport": True,
                "documentationFormat": ["markdown", "plaintext"],
                "resolveSupport": {"properties": ["documentation", "detail"]},
                "insertReplaceSupport": True,
                "labelDetailsSupport": True,
            }
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "signatureHelp": {"signatureInformation": {"documentationFormat": ["markdown"]}},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "codeAction": {
            "codeActionLiteralSupport": {
                "codeActionKind": {"valueSet": ["", "quickfix", "refactor", "source"]}
            },
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        },
        "rename": {"prepareSupport": True},
        "publishDiagnostics": {
            "versionSupport": True,
            "relatedInformation": True,
            "codeDescriptionSupport": True,
            "dataSupport": True,
            "tagSupport": {"valueSet": [1, 2]},
        },
    },
}
"""What a client can that has everything except pulling diagnostics."""


class LspError(Exception):
    """The error with which the server answered. code: its number."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]


def frame(message: object) -> bytes:
    """A message as it is sent."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class LspClient:
    """A started `alloypy lsp`; a context manager that shuts it down.

    folder: the working directory and the workspace. settings: what the server gets when it asks for the
    configuration of the client. Messages of the server are in `messages`, its requests are answered.
    """

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        command: Sequence[str] = ALLOYPY,
    ) -> None:
        self.folder = folder
        self.settings = dict(settings or {})
        self.messages: list[dict[str, Any]] = []
        self.diagnostics: dict[str, dict[str, Any]] = {}
        """The newest parameters of publishDiagnostics by URI."""
        self._answers: dict[Any, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._last = 0
        self._versions: dict[str, int] = {}
        self.process = subprocess.Popen(
            [*command, "lsp", *arguments],
            cwd=folder,
            env=of_checkout(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.stderr = ""
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> LspClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.process.poll() is None and error is None:
                self.request("shutdown")
                self.notify("exit")
                assert self.wait() == 0, self.stderr
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            for thread in self._threads:
                thread.join()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                assert stream is not None
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        if error is None:
            assert "Traceback" not in self.stderr, self.stderr
            assert "internal error" not in self.stderr, self.stderr

    def wait(self) -> int:
        """The exit code of the process, once it has ended."""
        code = self.process.wait(PATIENCE)
        self._threads[1].join(PATIENCE)
        return code

    def initialize(self, capabilities: Mapping[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
        """Say hello; returns the server's capabilities."""
        answer = self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": self.folder.as_uri(),
                "workspaceFolders": [{"uri": self.folder.as_uri(), "name": self.folder.name}],
                "capabilities": FULL if capabilities is None else dict(capabilities),
                **parameters,
            },
        )
        self.notify("initialized", {})
        found: dict[str, Any] = answer["capabilities"]
        return found

    # Texts

    def uri(self, name: str) -> str:
        """The URI of a file in the workspace; what is a URI stays as it is."""
        return name if ":" in name else (self.folder / name).as_uri()

    def open(self, name: str, text: str | None = None) -> str:
        """Open a text: what is given, or what the file has; returns its URI."""
        uri = self.uri(name)
        content = (self.folder / name).read_text() if text is None else text
        self._versions[uri] = 1
        document = {"uri": uri, "languageId": "alloy", "version": 1, "text": content}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, name: str, *changes: Mapping[str, Any] | str) -> int:
        """Change a text: the members of edits, or a whole text; returns the new version."""
        uri = self.uri(name)
        version = self._versions[uri] = self._versions[uri] + 1
        edits = [{"text": each} if isinstance(each, str) else dict(each) for each in changes]
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": edits})
        return version

    def close(self, name: str) -> None:
        """Close a text."""
        self.notify("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})

    def at(self, name: str, line: int, character: int) -> dict[str, Any]:
        """The parameters of a request about a position, both from 0."""
        position = {"line": line, "character": character}
        return {"textDocument": {"uri": self.uri(name)}, "position": position}

    # Messages

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def notify(self, method: str, params: object = None) -> None:
        """Send a notification."""
        self.send(frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def start(self, method: str, params: object = None) -> int:
        """Send a request; returns its id, for `answer`."""
        self._last += 1
        self.send(frame({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}))
        return self._last

    def answer(self, number: int | str | None) -> Any:
        """The result of a request, once it has come. Raises LspError."""
        message = self.wait_for(lambda: self._answers.pop(number, None))
        if "error" in message:
            raise LspError(message["error"])
        return message["result"]

    def request(self, method: str, params: object = None) -> Any:
        """Send a request and return its result. Raises LspError."""
        return self.answer(self.start(method, params))

    def wait_for(self, look: Callable[[], Any]) -> Any:
        """What `look` returns, once that is true; it is called after each message."""
        with self._changed:
            found = self._changed.wait_for(lambda: look() or self._ended(), PATIENCE)
            assert found, f"nothing came; the last messages: {self.messages[-5:]}"
            assert found is not _END, f"the server ended: {self.stderr}"
            return found

    def wait_for_diagnostics(self, name: str, version: int | None = None) -> list[dict[str, Any]]:
        """What is published for a text: for this version of it, or at all."""
        uri = self.uri(name)

        def look() -> Any:
            found = self.diagnostics.get(uri)
            return found if found is not None and version in (None, found.get("version")) else None

        diagnostics: list[dict[str, Any]] = self.wait_for(look)["diagnostics"]
        return diagnostics

    def notifications(self, method: str) -> list[Any]:
        """The parameters of all notifications of a method so far."""
        with self._changed:
            return [each["params"] for each in self.messages if each.get("method") == method]

    def _ended(self) -> object:
        return _END if not self._threads[0].is_alive() else None

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.partition(b":")[2])
            assert stream.readline() == b"\r\n"
            message = json.loads(stream.read(length))
            with self._changed:
                self._take(message)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if "method" not in message:
            twice = message["id"] in self._answers and message["id"] is not None
            assert not twice, f"answered twice: {message}"
            self._answers[message["id"]] = message
        elif "id" in message:
            with contextlib.suppress(OSError, ValueError):  # the server may have ended
                self.send(frame({"jsonrpc": "2.0", "id": message["id"], "result": self._reply(message)}))
        elif message["method"] == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]

    def _reply(self, message: dict[str, Any]) -> object:
        if message["method"] != "workspace/configuration":
            return {"applied": True} if message["method"] == "workspace/applyEdit" else None
        return [self.settings if each.get("section") else None for each in message["params"]["items"]]

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr += line.decode(errors="replace")


_END = object()
