"""Tests on both event loops: `anyio_backend = both_event_loops` in a module runs its tests on each."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def both_event_loops(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The two loops differ in how they read, pause, close and hand over sockets, and in their timers."""
    return "asyncio", {"use_uvloop": request.param}
