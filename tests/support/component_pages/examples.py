"""The examples of the pages, run in this process to see what their components measure and report."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.families import Family
from tests.support.pipeline import pipeline
from tests.support.running import free_port

FOLDER = Path(__file__).parents[3] / "examples" / "components"
_URL = re.compile(r'(?<=")(https?)://[\w.-]+(:\d+)?')
_FILE = re.compile(r'(?<=")/etc/alloypy/([\w./-]+)(?=")')
_PORT = re.compile(r"(listen_port\s*=\s*)\d+")
_ROLE = re.compile(r'^\trole = "\w+"\n', re.MULTILINE)
_TURNS = 20
_NEEDS = {"discovery.dns": "dns"}
"""Packages that components need and that may be missing, by the name of the module."""


class Seen(NamedTuple):
    """What a running component shows. debug_info: None for one that has none."""

    families: Sequence[Family]
    debug_info: Any


def missing(component: str) -> bool:
    """Whether a component cannot run here, as a package is not installed."""
    return component in _NEEDS and find_spec(_NEEDS[component]) is None


def path_of(component: str) -> Path:
    """The example of a component."""
    return FOLDER / f"{component}.alloy"


def on_this_machine(text: str, folder: Path) -> str:
    """The example with files that exist, and with ports and servers on which nobody listens.

    folder: stands in for `/etc/alloypy`.
    """
    for name in _FILE.findall(text):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    text = text.replace("/etc/alloypy/", f"{folder}/")
    text = _ROLE.sub(lambda found: f'{found[0]}\tapi_server = "http://cluster"\n', text)
    text = _URL.sub(f"http://127.0.0.1:{free_port()}", text)
    return _PORT.sub(lambda found: f"{found[1]}{free_port()}", text.replace("0.0.0.0", "127.0.0.1"))


async def see(component: str) -> Seen:
    """Run the example of a component, and look at the component."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "storage").mkdir()
        text = on_this_machine(path_of(component).read_text("utf-8"), folder)
        async with pipeline(text, folder / "storage") as running:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            (info,) = (each for each in running.controller.components() if each.name == component)
            families = [
                family
                for source in running.controller.metrics()
                if source.component_id == info.id
                for family in source.collect()
            ]
            return Seen(sorted(families), info.debug_info)
