"""Runs discovery.kubernetes in this process, against an API of the test's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alloypy.components.discovery import shell
from alloypy.components.discovery.kube import follower
from alloypy.components.discovery.kubernetes import Arguments, Kubernetes
from alloypy.components.discovery.shell import Exports
from alloypy.lang.go.url import parse_url
from alloypy.runtime.contract.component import Metrics
from tests.support.kube_api import KubeAPI
from tests.support.metrics import metric
from tests.support.receiving import LogLines, component_options
from tests.support.waiting import until


class Found:
    """What a component exports and logs."""

    def __init__(self, component: Kubernetes, log: LogLines) -> None:
        self.component = component
        self.log = log
        self.exports: list[Exports] = []

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.log.records]

    @property
    def addresses(self) -> list[str]:
        return sorted(target.labels["__address__"] for target in self.exports[-1].targets)

    def labels(self, name: str) -> list[str | None]:
        return sorted(
            (target.labels.get(f"__meta_kubernetes_{name}") for target in self.exports[-1].targets), key=str
        )

    async def has(self, *addresses: str) -> None:
        await until(lambda: self.exports and self.addresses == list(addresses))

    def events(self, event: str, role: str = "pod") -> float | None:
        return metric(
            self.component.collect(), "prometheus_sd_kubernetes_events_total", event=event, role=role
        )

    @property
    def failures(self) -> float:
        return metric(self.component.collect(), "prometheus_sd_kubernetes_failures_total") or 0

    @property
    def trouble(self) -> str:
        health = self.component.health()
        return "" if health is None else health.message


@asynccontextmanager
async def discovering(given: Arguments, environ: dict[str, str] | None = None) -> AsyncIterator[Found]:
    """A component that runs."""
    log = LogLines()
    logger = logging.Logger("kubernetes", logging.INFO)
    logger.addHandler(log)
    exported: list[Any] = []
    options = component_options(
        Metrics(), logger, set_exports=exported.append, environ=environ or {}, random=lambda: 0.0
    )
    component = Kubernetes(options, given)
    found = Found(component, log)
    found.exports = exported
    await component.prepare()
    running = asyncio.create_task(component.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.wait([running])


def at(api: KubeAPI, role: str = "pod", **given: Any) -> Arguments:
    return Arguments(role=role, api_server=parse_url(f"http://127.0.0.1:{api.port}"), **given)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish often, and try again soon."""
    monkeypatch.setattr(shell, "PUBLISH_SECONDS", 0.02)
    monkeypatch.setattr(follower, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(follower, "_LONGEST_PAUSE_SECONDS", 0.05)
