"""Fixtures shared by all tests."""

from __future__ import annotations

import pytest
import trustme
from hypothesis import settings

from tests.support.counts import FULL

# Hypothesis' own limit is wall time, which fails on a busy machine; `watchdog.briefly` uses CPU time.
# A short run is the same each time, so that it fails for a change only; a full one looks for what is new.
settings.register_profile("alloypy", deadline=None, derandomize=not FULL)
settings.load_profile("alloypy")


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
