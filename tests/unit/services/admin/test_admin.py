"""The admin application in process, with a read-only stand-in for the controller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Secret
from alloypy.runtime.contract.events import Events
from alloypy.runtime.contract.health import Health, HealthState
from alloypy.runtime.contract.options import ComponentInfo
from alloypy.runtime.controller import Controller
from alloypy.services.admin.admin import Admin, AdminOptions, peers
from alloypy.services.admin.streaming import Streams
from alloypy.services.configuration import LoadError
from alloypy.services.web.live_hub import Hub

WHEN = datetime(2026, 11, 23, 1, 2, 3, 450000, tzinfo=UTC)
WRITE = ComponentInfo(
    id="pyroscope.write.w",
    module="",
    name="pyroscope.write",
    label="w",
    health=Health(HealthState.HEALTHY, "started component", WHEN),
    references=(),
    referenced_by=("sink.a",),
    data_flow=(),
    arguments={"wait": Duration(1_500_000_000), "password": Secret("hush")},
    exports={"receiver": None},
    debug_info=None,
    modules=("sink.a",),
)
FILE = WRITE._replace(id="local.file.f", name="local.file", label="f")


class Told:
    """Stands in for the controller."""

    ready = True
    bad: tuple[str, ...] = ()

    def components(self, module: str = "") -> list[ComponentInfo]:
        return {"": [WRITE], "sink.a": [WRITE._replace(module="sink.a", label="")]}[module]

    def component(self, module: str, local_id: str) -> ComponentInfo:
        return {info.id: info for info in [*self.components(module), FILE]}[local_id]

    def modules(self) -> list[str]:
        return ["", "sink.a"]

    def unhealthy(self) -> list[str]:
        return list(self.bad)


class Fixture:
    """The application, what its environment has seen, and what it should do."""

    def __init__(self, prefix: str = "/") -> None:
        self.controller = Told()
        self.reloads = 0
        self.pages = 0
        self.failure: LoadError | None = None
        self.live: Hub | None = Hub(Events(), lambda component, position: "")
        options = AdminOptions(
            controller=cast("Controller", self.controller),
            reload=self.reload,
            metrics=self.metrics,
            support=None,
            live=lambda: self.live,
            unprotected=lambda path: False,
            streams=Streams(),
            address="127.0.0.1:12345",
            peers=lambda: peers("127.0.0.1:12345"),
            ui_prefix=prefix,
        )
        transport = httpx.ASGITransport(Admin(options))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:12345")

    async def metrics(self) -> str:
        self.pages += 1
        await asyncio.sleep(0.01)
        return "m 1\n"

    async def reload(self) -> None:
        self.reloads += 1
        if self.failure is not None:
            raise self.failure

    async def answer(self, method: str, path: str, **headers: str) -> tuple[int, str]:
        response = await self.client.request(method, path, headers=headers)
        return response.status_code, response.text

    async def json(self, path: str) -> Any:
        return json.loads((await self.answer("GET", path))[1])


@pytest.fixture
async def admin() -> AsyncIterator[Fixture]:
    fixture = Fixture()
    yield fixture
    await fixture.client.aclose()


@pytest.mark.anyio
async def test_probes_tell_the_controllers_state(admin: Fixture) -> None:
    assert await admin.answer("GET", "/-/ready") == (200, "Alloy is ready.\n")
    assert await admin.answer("POST", "/-/healthy") == (200, "All Alloy components are healthy.\n")
    admin.controller.ready = False
    admin.controller.bad = ("pyroscope.write", "local.file")
    assert await admin.answer("GET", "/-/ready") == (503, "Alloy is not ready.\n")
    assert await admin.answer("GET", "/-/healthy") == (
        500,
        "unhealthy components: pyroscope.write, local.file\n",
    )


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_reload_answers_with_its_outcome(admin: Fixture, method: str) -> None:
    assert await admin.answer(method, "/-/reload") == (200, "config reloaded\n")
    admin.failure = LoadError("error during the initial load: config.alloy:1:1: bad")
    assert await admin.answer(method, "/-/reload") == (400, f"{admin.failure}\n")
    assert admin.reloads == 2


@pytest.mark.anyio
async def test_other_methods_do_not_reload(admin: Fixture) -> None:
    assert await admin.answer("PUT", "/-/reload") == (404, "404 page not found\n")
    assert admin.reloads == 0


@pytest.mark.anyio
async def test_pages_of_other_origins_cannot_reload(admin: Fixture) -> None:
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert await admin.answer("POST", "/-/reload", **headers) == (403, "cross-origin request refused\n")
    assert admin.reloads == 0
    same = {"origin": "http://127.0.0.1:12345", "sec-fetch-site": "same-origin"}
    assert (await admin.answer("POST", "/-/reload", **same))[0] == 200
    assert (await admin.answer("GET", "/-/reload", **{"sec-fetch-site": "none"}))[0] == 403
    assert admin.reloads == 1


@pytest.mark.anyio
async def test_metrics_are_plain_text(admin: Fixture) -> None:
    response = await admin.client.get("/metrics")
    assert response.text == "m 1\n"
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.anyio
async def test_many_concurrent_requests_for_metrics_share_a_page(admin: Fixture) -> None:
    responses = await asyncio.gather(*(admin.client.get("/metrics") for _ in range(50)))
    assert {response.text for response in responses} == {"m 1\n"}
    assert admin.pages <= 10


@pytest.mark.anyio
async def test_a_list_has_heads_only(admin: Fixture) -> None:
    (entry,) = await admin.json("/api/v0/web/components")
    assert list(entry) == [
        "name",
        "type",
        "localID",
        "moduleID",
        "label",
        "referencesTo",
        "referencedBy",
        "dataFlowEdgesTo",
        "health",
        "original",
        "arguments",
        "exports",
        "debugInfo",
        "createdModuleIDs",
        "liveDebuggingEnabled",
    ]
    assert entry["arguments"] == entry["exports"] == entry["debugInfo"] == []
    assert entry["health"]["updatedTime"] == "2026-11-23T01:02:03.45Z"


@pytest.mark.anyio
async def test_a_detail_shows_arguments_without_secrets(admin: Fixture) -> None:
    status, text = await admin.answer("GET", "/api/v0/web/components/pyroscope.write.w")
    assert status == 200
    assert "hush" not in text
    assert json.loads(text)["arguments"] == [
        {"name": "wait", "type": "attr", "value": {"type": "string", "value": "1.5s"}},
        {"name": "password", "type": "attr", "value": {"type": "capsule", "value": "(secret)"}},
    ]


@pytest.mark.anyio
async def test_modules_have_components_of_their_own(admin: Fixture) -> None:
    (entry,) = await admin.json("/api/v0/web/modules/sink.a/components")
    assert entry["moduleID"] == "sink.a"
    assert "label" not in entry
    inner = await admin.json("/api/v0/web/components/sink.a/pyroscope.write.w")
    assert inner["localID"] == "pyroscope.write.w"
    assert await admin.answer("GET", "/api/v0/web/modules/nope/components") == (500, "module not found\n")


@pytest.mark.anyio
async def test_what_is_not_there_is_answered_as_alloy_does(admin: Fixture) -> None:
    assert await admin.answer("GET", "/nope") == (404, "404 page not found\n")
    assert await admin.answer("GET", "/api/v0/web/features") == (404, "404 page not found\n")
    assert (await admin.answer("GET", "/api/v0/web/components/nope"))[0] == 404
    assert await admin.answer("GET", "/api/v0/component/pyroscope.write.w/x") == (404, "")
    assert await admin.answer("GET", "/api/v0/component/sink.a/pyroscope.write.w/x") == (404, "")
    assert await admin.answer("GET", "/api/v0/component/nope/x") == (
        400,
        'failed to parse URL path "/api/v0/component/nope/x": invalid path\n',
    )


@pytest.mark.anyio
async def test_this_process_is_its_only_peer(admin: Fixture) -> None:
    (peer,) = await admin.json("/api/v0/web/peers")
    assert peer["addr"] == "127.0.0.1:12345"
    assert peer["isSelf"] is True
    assert peer["state"] == "participant"


@pytest.mark.anyio
async def test_live_debugging_is_refused_by_name(admin: Fixture) -> None:
    assert await admin.answer("GET", "/api/v0/web/debug/local.file.f") == (
        500,
        'the component "local.file" does not support live debugging\n',
    )
    assert (await admin.answer("GET", "/api/v0/web/debug/pyroscope.write.w?sampleProb=2"))[0] == 400
    assert await admin.answer("GET", "/api/v0/web/graph/nope") == (500, "module not found\n")
    assert await admin.answer("GET", "/api/v0/web/debug/nope") == (500, "component not found\n")
    assert (await admin.answer("GET", "/api/v0/web/graph?window=0"))[0] == 400
    admin.live = None
    status, text = await admin.answer("GET", "/api/v0/web/debug/pyroscope.write.w")
    assert (status, text[:43]) == (500, "the live debugging service is disabled. Che")


@pytest.mark.anyio
async def test_the_prefix_moves_the_web_api_only() -> None:
    admin = Fixture("/ui/")
    async with admin.client:
        assert (await admin.answer("GET", "/ui/api/v0/web/peers"))[0] == 200
        assert (await admin.answer("GET", "/api/v0/web/peers"))[0] == 404
        assert (await admin.answer("GET", "/metrics"))[0] == 200
        response = await admin.client.get("/ui")
        assert (response.status_code, response.headers["location"]) == (302, "/ui/")


@pytest.mark.anyio
async def test_the_support_bundle_can_be_switched_off(admin: Fixture) -> None:
    status, text = await admin.answer("GET", "/-/support")
    assert status == 403
    assert "--server.http.disable-support-bundle" in text
