"""`validate` and `run` say the same about nested modules whenever both know the content."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import Checked, Context, check_files
from alloypy.check.modules.imports import Files
from alloypy.check.units.units import DISK
from alloypy.graph.admission import Gate
from alloypy.lang.go.duration import Duration
from alloypy.own_language import OwnLanguage
from alloypy.runtime.contract.options import HTTPImport
from alloypy.runtime.controller import Controller
from alloypy.schema.fields import arguments, attribute
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.source import Source
from tests.support.counts import FULL
from tests.support.fakes import EVENTS, NODES, REGISTRY, options
from tests.support.module_trees import HERE, Tree, module_tree

TREES = 20_000 if FULL else 200
LANGUAGE = OwnLanguage(REGISTRY, load_catalog())
GATE = Gate(Stability.EXPERIMENTAL, True)


@arguments
class HTTPArguments:
    """What `import.http` takes here."""

    url: str = attribute()
    poll_frequency: Duration = attribute(default=Duration(60_000_000_000))


class Case:
    """A tree written into a directory, and what both say about it."""

    def __init__(self, tree: Tree, folder: Path) -> None:
        self.tree = tree
        self.folder = folder
        for name, text in {**tree.files, "config.alloy": tree.config}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._placed(text))

    def _placed(self, text: str) -> str:
        return text.replace(HERE, str(self.folder))

    def _source(self) -> Source:
        return Source("config.alloy", (self.folder / "config.alloy").read_bytes())

    def check(self) -> Checked:
        """What `validate` says."""
        beyond = Context({}, Files(DISK.module, str(self.folder), DISK.locate))
        return check_files(parse_config([self._source()]), LANGUAGE, GATE, beyond)

    async def load(self) -> Sequence[Diagnostic]:
        """The errors of the load, if it is refused."""

        async def fetch(given: HTTPArguments) -> str:
            return self._placed(self.tree.urls[given.url])

        http = HTTPImport(HTTPArguments, fetch)
        given = options(self.folder, stability=Stability.EXPERIMENTAL, community=True, http_import=http)
        NODES.clear()
        EVENTS.clear()
        async with Controller(given) as controller:
            try:
                await controller.load(parse_config([self._source()]), str(self.folder))
            except DiagnosticsError as error:
                return [each for each in error.diagnostics if each.severity is Severity.ERROR]
        return ()


def errors(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    return [each for each in found if each.severity is Severity.ERROR]


def touches(one: Diagnostic, other: Diagnostic) -> bool:
    if one.span is None or other.span is None or one.span.source.data != other.span.source.data:
        return False
    ends = [span.start if span.end is None else span.end for span in (one.span, other.span)]
    return one.span.start <= ends[1] and other.span.start <= ends[0]


ELSEWHERE = ("missing required argument", "Provided argument", "cycle: ", "self reference: ")
"""Errors that loading reports in the module, or without a position, and `validate` where to fix them."""


def difference(checked: Checked, refused: Sequence[Diagnostic], unread: bool) -> str:
    """How the two differ; "" if they do not.

    Alloy's own check may refuse what loads: it also checks what nothing uses, and takes `optional`
    literally. Recordings cover what it says.
    """
    own, missed = errors(checked.as_alloy), errors(checked.further)
    if missed and not refused:
        return "validate refuses what loads"
    if refused and not (own or missed):
        return "" if unread else "validate passes what does not load"
    if unread or any(each.span is None or word in each.message for each in refused for word in ELSEWHERE):
        return ""
    if refused and not any(touches(one, other) for one in refused for other in (*own, *missed)):
        return "they tell different places"
    return ""


def told(case: Case, seed: int, why: str, checked: Checked, refused: Sequence[Diagnostic]) -> str:
    lines = [f"seed {seed}: {why}", "run:", *map(str, refused), "found:", *map(str, errors(checked.as_alloy))]
    lines += ["missed:", *map(str, errors(checked.further))]
    for name in sorted({*case.tree.files, "config.alloy"}):
        lines += [f"--- {name}", (case.folder / name).read_text()]
    return "\n".join(lines + [f"--- {url}\n{text}" for url, text in case.tree.urls.items()])


async def compare(seeds: Sequence[int], folder: Path) -> tuple[list[str], int]:
    """Differences, and how many configurations load."""
    found: list[str] = []
    loaded = 0
    for seed in seeds:
        inner = folder / f"t{seed}"
        case = Case(module_tree(Random(seed)), inner)
        checked = case.check()
        refused = await case.load()
        loaded += not refused
        why = difference(checked, refused, case.tree.unread)
        if why:
            found.append(told(case, seed, why, checked, refused))
        shutil.rmtree(inner)
    return found, loaded


@pytest.fixture
def quiet() -> object:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("part", range(4))
def test_validate_says_what_loading_says(part: int, tmp_path: Path) -> None:
    count = TREES // 4
    found, loaded = asyncio.run(compare(range(part * count, (part + 1) * count), tmp_path))
    assert not found, "\n\n".join(found[:3])
    assert count // 5 < loaded < count
