"""An editor shows what the command line reports, and formats and fixes as it does: over all golden files.

Each configuration has a directory of its own; those of lint rules and half of the others have settings that
allow and select everything.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.support.acting import syntax_faults
from tests.support.counts import FULL as ALL
from tests.support.golden_texts import Configuration, configurations
from tests.support.lsp_client import FULL, LspClient
from tests.support.running import alloypy

_SETTINGS = 'stability-level = "experimental"\ncommunity-components = true\nextend-select = ["ALL"]\n'
_PULLING = {**FULL, "textDocument": {**FULL["textDocument"], "diagnostic": {}}}
_UTF16 = {**_PULLING, "general": {"positionEncodings": ["utf-16"]}}
_BATCH = 400
_OPEN = 60
"""How many texts are open together."""
_SEVERITIES = {1: "error", 2: "warning"}


def _sample(count: int) -> list[Configuration]:
    known = list(configurations())
    if ALL:
        return known
    several = [each for each in known if len(each.files) > 1]
    written = [each for each in known if each.name.startswith(("validate", "examples", "runtime", "lint"))]
    choose = random.Random(16)
    rules = [each for each in known if each.name.startswith("lint")]
    return [
        *several,
        *choose.sample(rules, 20),
        *choose.sample(written, count // 2),
        *choose.sample(known, count // 2),
    ]


def _written(folder: Path, chosen: Sequence[Configuration]) -> list[Path]:
    """The files of the configurations, written to directories."""
    files = []
    for number, configuration in enumerate(chosen):
        own = folder / f"{number:04}"
        for name, text in configuration.files.items():
            path = own / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            files.append(path)
        if number % 2 or configuration.name.startswith("lint"):
            (own / ".alloypy.toml").write_text(_SETTINGS)
    return files


def _batches(files: Sequence[Path]) -> Iterator[list[str]]:
    for start in range(0, len(files), _BATCH):
        yield [str(each) for each in files[start : start + _BATCH]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of the chosen configurations."""
    return _written(tmp_path_factory.mktemp("golden").resolve(), _sample(120))


def _folder(files: Sequence[Path]) -> Path:
    """The directory of all configurations."""
    return next(each for each in files[0].parents if each.name.startswith("golden"))


def _position(data: bytes, offset: int, encoding: str) -> dict[str, int]:
    """The position of an offset; the protocol's lines end with LF, CR LF or CR."""
    before = data[:offset]
    if data[offset - 1 : offset + 1] == b"\r\n":
        before = before[:-1]
    lines = before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    text = lines[-1].decode("utf-8", "ignore")
    return {"line": len(lines) - 1, "character": len(text.encode(encoding)) // (2 if "16" in encoding else 1)}


def _range(data: bytes, found: Mapping[str, Any], encoding: str) -> dict[str, Any]:
    """The range of a finding of the command line: lines end with LF there, and columns count bytes from 1."""
    if found["line"] is None:
        return {"start": _position(data, 0, encoding), "end": _position(data, 0, encoding)}
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    start = starts[found["line"] - 1] + found["column"] - 1
    last = found["end_line"]
    stop = start if last is None else starts[last - 1] + found["end_column"]
    return {"start": _position(data, start, encoding), "end": _position(data, stop, encoding)}


def _configurations(files: Sequence[Path]) -> list[list[Path]]:
    """The files of each configuration."""
    folder = _folder(files)
    grouped = groupby(files, lambda path: path.relative_to(folder).parts[0])
    return [list(each) for _, each in grouped]


def _reported(files: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """What `alloypy validate` says about each file, in its order.

    Configurations of several files are checked where they are: that is where it finds their modules, as Alloy
    does. An editor, which does not know where Alloy is started, looks for them beside the configuration, too.
    """
    by_file: dict[str, list[dict[str, Any]]] = {str(each): [] for each in files}
    folder = _folder(files)
    every = _configurations(files)
    runs = [(folder, batch) for batch in _batches([each[0] for each in every if len(each) == 1])]
    for several in (each for each in every if len(each) > 1):
        own = folder / several[0].relative_to(folder).parts[0]
        runs.append((own, [str(each) for each in several]))
    for directory, names in runs:
        done = alloypy("validate", "--units=auto", "--output-format=json", *names, cwd=directory)
        for found in json.loads(done.stdout)["diagnostics"]:
            by_file.setdefault(str(directory / found["file"]), []).append(found)
    return by_file


def _beside_broken(path: Path) -> bool:
    """Whether there is a broken file in the same directory.

    The command line takes such files for one configuration. In an editor a fault that is being typed does
    not change what belongs together.
    """
    others = [each for each in path.parent.glob("*.alloy") if each != path]
    return any(syntax_faults(each.read_bytes()) for each in others)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_the_same_diagnostics(files: list[Path], encoding: str) -> None:
    reported = _reported(files)
    with LspClient(_folder(files)) as client:
        client.initialize(_PULLING if encoding == "utf-8" else _UTF16)
        every = _configurations(files)
        for several in every if ALL or encoding == "utf-8" else every[::4]:
            chosen = [each for each in several if not _beside_broken(each)]
            uris = [client.open(str(each), each.read_bytes().decode()) for each in chosen]
            for uri in uris if len(uris) > 1 else ():  # each may have findings about another one
                client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
            for path, uri in zip(chosen, uris, strict=True):
                answer = client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
                expected = _expected(reported[str(path)], path.read_bytes(), encoding)
                assert _shown(answer["items"]) == expected, path
            for path in chosen:
                client.close(str(path))


def test_what_is_pushed_is_the_same(files: list[Path]) -> None:
    alone = [each for each in files if not _beside_broken(each)]
    chosen = alone if ALL else alone[::3]
    reported = _reported(files)
    with LspClient(_folder(files)) as client:
        client.initialize()
        for start in range(0, len(chosen), _OPEN):
            opened = chosen[start : start + _OPEN]
            for path in opened:
                client.open(str(path), path.read_bytes().decode())
            for path in opened:
                expected = _expected(reported[str(path)], path.read_bytes(), "utf-8")
                assert _pushed(client, path, expected) == expected, path
            for path in opened:
                client.close(str(path))


def _pushed(client: LspClient, path: Path, expected: object) -> list[tuple[Any, ...]]:
    """What is pushed for a text, in the end: other configurations may add findings to those of its own."""
    shown = _shown(client.wait_for_diagnostics(str(path), 1))
    if shown != expected:
        uri = client.uri(str(path))
        with suppress(AssertionError):  # that nothing came; what came is compared
            client.wait_for(lambda: _shown(client.diagnostics[uri]["diagnostics"]) == expected)
        shown = _shown(client.diagnostics[uri]["diagnostics"])
    return shown


def _shown(found: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """What an editor shows, in the order in which it is sent."""
    return [(each["code"], _SEVERITIES[each["severity"]], each["message"], each["range"]) for each in found]


def _expected(reported: Sequence[Mapping[str, Any]], data: bytes, encoding: str) -> list[tuple[Any, ...]]:
    """The same from what the command line reports."""
    return [
        (
            each["code"],
            each["severity"],
            "\nhint: ".join(filter(None, (each["message"], each["hint"]))),
            _range(data, each, encoding),
        )
        for each in reported
    ]


def _edited(data: bytes, edits: Sequence[Mapping[str, Any]]) -> bytes:
    """A text after edits whose columns count bytes."""
    starts, at = [0], 0
    while at < len(data):
        at += 1
        if data[at - 1] == 10 or (data[at - 1] == 13 and data[at : at + 1] != b"\n"):
            starts.append(at)
    placed = [
        (*(starts[each["range"][end]["line"]] + each["range"][end]["character"] for end in ("start", "end")),
         each["newText"].encode())
        for each in edits
    ]  # fmt: skip
    for start, stop, text in sorted(placed, reverse=True):
        data = data[:start] + text + data[stop:]
    return data


def _changed(files: Sequence[Path], copy: Path, *command: str) -> dict[Path, bytes]:
    """The texts after a command that changes files."""
    folder = _folder(files)
    shutil.copytree(folder, copy)
    copies = [copy / each.relative_to(folder) for each in files]
    for batch in _batches(copies):
        alloypy(*command, *batch, cwd=copy)
    return {path: each.read_bytes() for path, each in zip(files, copies, strict=True)}


def test_the_same_layout(files: list[Path], tmp_path: Path) -> None:
    after = _changed(files, tmp_path / "copy", "fmt", "--write")
    with LspClient(_folder(files)) as client:
        client.initialize()
        for path, expected in after.items():
            data = path.read_bytes()
            uri = client.open(str(path), data.decode())
            options = {"tabSize": 8, "insertSpaces": False}
            asked = {"textDocument": {"uri": uri}, "options": options}
            assert _edited(data, client.request("textDocument/formatting", asked) or ()) == expected, path
            client.close(str(path))


def test_the_same_fixes(files: list[Path], tmp_path: Path) -> None:
    after = _changed(files, tmp_path / "copy", "validate", "--units=auto", "--fix")
    assert any(path.read_bytes() != data for path, data in after.items())
    with LspClient(_folder(files)) as client:
        client.initialize()
        origin = {"line": 0, "character": 0}
        context = {"diagnostics": [], "only": ["source.fixAll"]}
        for path, expected in after.items():
            data = path.read_bytes()
            uri = client.open(str(path), data.decode())
            asked = {"textDocument": {"uri": uri}, "range": {"start": origin, "end": origin}}
            made = client.request("textDocument/codeAction", {**asked, "context": context})
            assert [each["kind"] for each in made] in ([], ["source.fixAll.alloypy"])
            edits = [edit for each in made for edit in each["edit"]["documentChanges"][0]["edits"]]
            assert _edited(data, edits) == expected, path
            client.close(str(path))
