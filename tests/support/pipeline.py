"""A whole configuration in this process: receivers first, then components, then real sockets."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alloypy.components.registry import REGISTRY
from alloypy.runtime.contract.options import ControllerOptions
from alloypy.runtime.controller import Controller
from alloypy.schema.stability import Stability
from tests.support.fakes import parsed
from tests.support.metrics import metric
from tests.support.receiving import LogLines
from tests.support.running import free_port

ALLOY_ID = "00000000-1111-2222-3333-444444444444"


class Pipeline:
    """A running configuration. port: what RECV stood for in its text."""

    def __init__(self, controller: Controller, port: int, log: LogLines) -> None:
        self.controller = controller
        self.port = port
        self.log = log

    async def load(self, text: str) -> None:
        """Load or reload; RECV stands for the receiver's port."""
        await self.controller.load(parsed(text.replace("RECV", str(self.port))), "/etc/alloypy")

    def metric(self, name: str, **labels: str) -> float | None:
        """The sum of a metric's samples that have these labels, None if there is none."""
        families = (family for source in self.controller.metrics() for family in source.collect())
        return metric(families, name, **labels)


@asynccontextmanager
async def pipeline(text: str, storage: Path, **changes: Any) -> AsyncIterator[Pipeline]:
    """Run a configuration while the block lasts. RECV in it stands for a free port."""
    log = LogLines()
    logger = logging.getLogger("alloypy")
    level = logger.level
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    values: dict[str, Any] = {
        "registry": REGISTRY,
        "storage": storage,
        "alloy_id": ALLOY_ID,
        "stability": Stability.EXPERIMENTAL,
        "environ": {},
    }
    try:
        async with Controller(ControllerOptions(**(values | changes))) as controller:
            running = Pipeline(controller, free_port(), log)
            await running.load(text)
            yield running
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)


def one_line(text: str) -> str:
    """A text without line breaks, to search in."""
    return re.sub(r"\s+", " ", text)
