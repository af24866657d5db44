"""Modules as users wrote them: what `validate` says, and whether `run` loads them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.units.units import CheckOptions, check_unit
from alloypy.components.registry import REGISTRY
from alloypy.graph.admission import Gate
from alloypy.runtime.contract.options import ControllerOptions
from alloypy.runtime.controller import Controller
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config, read_config
from alloypy.syntax.diagnostics import DiagnosticsError, Severity


class Case(NamedTuple):
    """files: by name. told: errors of `validate`. refused: part of the error of `run`, "" if it loads.

    warned: part of a warning of `validate`, "" when none matters.
    """

    files: dict[str, str]
    told: list[str]
    refused: str
    warned: str

    def write(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Write the files into a folder, and work there."""
        monkeypatch.chdir(folder)
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


def cases() -> Iterator[Any]:
    """The cases of `module_cases.txt`: a title, then parts, each with its name above it."""
    text = Path(__file__).with_name("module_cases.txt").read_text("utf-8")
    for written in text.split("=== ")[1:]:
        title, *parts = written.split("\n--- ")
        files = dict(part.split("\n", 1) for part in parts)
        told = files.pop("validate", "").split("\n")
        refused, warned = files.pop("run", ""), files.pop("warning", "")
        case = Case(files, [line for line in told if line], refused.strip(), warned.strip())
        yield pytest.param(case, id=title)


CASES = list(cases())


@pytest.mark.parametrize("case", CASES)
def test_validate(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case.write(tmp_path, monkeypatch)
    options = CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL), {})
    found = check_unit("config.alloy", options).diagnostics
    assert [str(each) for each in found if each.severity is Severity.ERROR] == case.told
    warned = [str(each) for each in found if each.severity is Severity.WARNING]
    assert len([each for each in warned if case.warned in each]) == 1 or not case.warned, warned


@pytest.mark.parametrize("case", CASES)
def test_run(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case.write(tmp_path, monkeypatch)
    options = ControllerOptions(
        registry=REGISTRY,
        storage=tmp_path,
        alloy_id="test",
        stability=Stability.EXPERIMENTAL,
        environ={},
    )

    async def load() -> str:
        async with Controller(options) as controller:
            try:
                await controller.load(parse_config(read_config("config.alloy")), ".")
            except DiagnosticsError as error:
                return str(error)
        return ""

    refused = asyncio.run(load())
    assert bool(refused) == bool(case.refused), refused
    assert case.refused in refused


def test_a_module_that_is_not_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'import.file "lib" {\n  filename = "lib.alloy"\n}\nlib.a "x" { }\n'
    Case({"config.alloy": text}, [], "", "").write(tmp_path, monkeypatch)
    (tmp_path / "lib.alloy").write_text('declare "a" {\n  argument "b" { }\n}\n', encoding="utf-16")
    options = CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL), {})
    told = list(map(str, check_unit("config.alloy", options).diagnostics))
    assert told[0] == "config.alloy:1:1: import.file.lib: unknown encoding for config"
    assert 'not found in the registry, namespace: "lib", componentName: "a"' in told[1]


def test_one_file_of_a_configuration_split_over_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "10-relabel.alloy": 'pyroscope.relabel "r" {\n  forward_to = [pyroscope.write.out.receiver]\n}\n'
        'sink "s" { }\nsinc "s" { }\n',
        "20-write.alloy": 'pyroscope.write "out" { }\ndeclare "sink" {\n  pyroscope.write "w" { }\n}\n',
        "30-broken.alloy": "declare {",
    }
    Case(files, [], "", "").write(tmp_path, monkeypatch)
    options = CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL), {})
    found = [d for d in check_unit("10-relabel.alloy", options).diagnostics if d.severity is Severity.ERROR]
    beside = "it is declared in 20-write.alloy in this directory; validate the directory"
    assert [each.hint for each in found] == [beside, beside, ""]
