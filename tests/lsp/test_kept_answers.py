"""What the server keeps is never out of date: its answers are those of a server that has just started."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.diagnostics import judge, units_of
from alloypy.lsp.workspace.workspace import Workspace
from tests.lsp.test_wire_diagnostics import SCRAPE, WRITE
from tests.support.counts import repeated
from tests.support.lsp_client import FULL, LspClient, LspError

CANCELLED, OVERTAKEN = -32800, -32801
PULLING = {**FULL, "textDocument": {**FULL["textDocument"], "diagnostic": {"relatedDocumentSupport": True}}}
DECLARE = 'declare "m" {\n\targument "a" {}\n\texport "e" {\n\t\tvalue = argument.a.value\n\t}\n}\n'
IMPORT = 'import.file "i" {\n\tfilename = "%s"\n}\ni.m "x" {\n\ta = 1\n}\n'
NAMES = ("a.alloy", "b.alloy", "c.alloy", "modules/m.alloy")
SETTINGS = ("", 'ignore = ["ALY0903"]\n', 'env-files = ["values.env"]\n', "[units]\nwhole = ['.']\n")


def found_afresh(folder: Path, texts: dict[str, str]) -> dict[str, list[tuple[str | None, str]]]:
    """The codes and messages by path that a new workspace has with the same texts open."""
    workspace = Workspace()
    workspace.folders = (str(folder),)
    for name, text in texts.items():
        path = str(folder / name)
        workspace.open[path] = Document(path, text.encode())
    found: dict[str, set[tuple[str | None, str]]] = {}
    for name, files in units_of(workspace, list(workspace.open)).items():
        for path, listed in judge(workspace, name, files, set()).found.items():
            said = {
                (each.code, f"{each.message}\nhint: {each.hint}" if each.hint else each.message)
                for each in listed
            }
            found.setdefault(path, set()).update(said)
    return {path: sorted(each, key=str) for path, each in found.items()}


class Editor:
    """Makes random changes: in open texts, on the disk, in settings and in files of variables."""

    def __init__(self, client: LspClient, seed: int) -> None:
        self.client = client
        self.folder = client.folder
        self.texts: dict[str, str] = {}
        self._random = random.Random(seed)
        self._texts = (
            *(SCRAPE, WRITE, SCRAPE + WRITE, WRITE.replace("url ", "ulr "), DECLARE, SCRAPE + "x = "),
            *(WRITE.replace('"http://localhost:4040"', 'sys.env("URL")'), WRITE.replace('"w"', '"v"')),
            IMPORT % (self.folder / "modules/m.alloy"),
            IMPORT % (self.folder / "modules"),
        )

    def change(self) -> None:
        steps: list[Callable[[], None]] = [self._edit] * 5 + [
            self._write,
            self._remove,
            self._set,
            self._close,
        ]
        self._random.choice(steps)()

    def _edit(self) -> None:
        name, text = self._random.choice(NAMES), self._random.choice(self._texts)
        if name in self.texts:
            self.client.change(name, text)
        else:
            self.client.open(name, text)
        self.texts[name] = text

    def _close(self) -> None:
        if self.texts:
            name = self._random.choice(sorted(self.texts))
            del self.texts[name]
            self.client.close(name)

    def _write(self) -> None:
        self._put(self._random.choice(NAMES), self._random.choice(self._texts))

    def _remove(self) -> None:
        path = self.folder / self._random.choice(NAMES)
        path.unlink(missing_ok=True)
        self._tell(path, 3)

    def _set(self) -> None:
        self._put(".alloypy.toml", self._random.choice(SETTINGS))
        self._put("values.env", self._random.choice(("URL=http://localhost\n", "URL=\n", "OTHER=1\n")))

    def _put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        self._tell(self.folder / name, 2)

    def _tell(self, path: Path, kind: int) -> None:
        change = {"uri": path.as_uri(), "type": kind}
        self.client.notify("workspace/didChangeWatchedFiles", {"changes": [change]})

    def found(self) -> dict[str, list[tuple[str | None, str]]]:
        """What the server says is wrong, by path."""
        report = self.client.request("workspace/diagnostic", {"previousResultIds": []})
        return {
            each["uri"].removeprefix("file://"): sorted(
                {(item.get("code"), item["message"]) for item in each["items"]}, key=str
            )
            for each in report["items"]
        }

    def answers(self, client: LspClient) -> list[Any]:
        """What can be completed, and what is shown, at some places of all open texts."""
        return [
            client.request(f"textDocument/{method}", client.at(name, line, 12))
            for name, text in sorted(self.texts.items())
            for line in range(min(3, text.count("\n")))
            for method in ("completion", "hover")
        ]


def test_answers_after_many_changes_are_those_of_a_fresh_server(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    with LspClient(tmp_path) as client:
        client.initialize(PULLING)
        editor = Editor(client, seed=16)
        for _ in range(repeated(400)):
            editor.change()
            assert editor.found() == found_afresh(tmp_path, editor.texts)
        with LspClient(tmp_path) as fresh:
            fresh.initialize(PULLING)
            for name, text in editor.texts.items():
                fresh.open(name, text)
            assert editor.answers(client) == editor.answers(fresh)


def test_a_pull_is_never_answered_for_an_older_text(tmp_path: Path) -> None:
    large = "\n".join(SCRAPE.replace('"s"', f'"s{number}"') for number in range(300)) + WRITE
    with LspClient(tmp_path) as client:
        client.initialize(PULLING)
        parameters = {"textDocument": {"uri": client.open("a.alloy", large)}}
        first = client.start("textDocument/diagnostic", parameters)
        asked = {}
        for number in range(5):
            client.change("a.alloy", large + "\n" * number + "x = 1\n")
            asked[large.count("\n") + number] = client.start("textDocument/diagnostic", parameters)
        client.notify("$/cancelRequest", {"id": first})
        refused = set()
        for line, request in asked.items():
            try:
                answer = client.answer(request)
            except LspError as error:
                refused.add(error.code)
            else:
                (found,) = {each["range"]["start"]["line"] for each in answer["items"]}
                assert found >= line
        assert refused <= {OVERTAKEN}
        assert found == max(asked)
        with pytest.raises(LspError) as cancelled:
            client.answer(first)
        assert cancelled.value.code in {CANCELLED, OVERTAKEN}
