"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
import trustme
from hypothesis import settings

from tests.support.counts import FULL

# Hypothesis' own limit is wall time, which fails on a busy machine; `watchdog.briefly` uses CPU time.
# A short run is the same each time, so that it fails for a change only; a full one looks for what is new.
settings.register_profile("alloypy", deadline=None, derandomize=not FULL)
settings.load_profile("alloypy")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Hold collections of garbage off: nearly all that is made while tests are collected stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, which have a time limit of their own, so that no worker ends with one."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_collection_finish() -> None:
    """Keep modules and tests out of all later collections of garbage: each would take 0.4 s more."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    """Async tests (`@pytest.mark.anyio`) run under asyncio."""
    return "asyncio"


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secret and certificate files are checked and awaited at every use."""
    monkeypatch.setattr("alloypy.net.followed.CHECK_SECONDS", 0.0)
    monkeypatch.setattr("alloypy.net.followed.PATIENCE_SECONDS", 60.0)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority that nobody trusts by default; `tests.support.tls` has what belongs to it."""
    return trustme.CA()
