"""Fixtures shared by all tests."""

from __future__ import annotations

import pytest
import trustme
from hypothesis import settings

# Hypothesis' own limit goes by the clock, which a busy machine fails; `watchdog.briefly` goes by CPU time.
settings.register_profile("alloypy", deadline=None)
settings.load_profile("alloypy")


@pytest.fixture
def anyio_backend() -> str:
    """Async tests (`@pytest.mark.anyio`) run under asyncio."""
    return "asyncio"


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secret and certificate files are looked at whenever they are asked for, and waited for."""
    monkeypatch.setattr("alloypy.net.followed.CHECK_SECONDS", 0.0)
    monkeypatch.setattr("alloypy.net.followed.PATIENCE_SECONDS", 60.0)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority that nobody trusts by itself; `tests.support.tls` has what goes with it."""
    return trustme.CA()
