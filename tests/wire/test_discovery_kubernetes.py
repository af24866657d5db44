"""discovery.kubernetes against an API on loopback: lists, watches, and how they are continued."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from alloypy.components.discovery.kube import follower
from alloypy.components.discovery.kubernetes import (
    Arguments,
    MetadataArguments,
    NamespacesArguments,
    SelectorArguments,
)
from tests.support.kube_api import kube_api, node, pod
from tests.support.kube_discovering import at, discovering, hurry
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.mark.parametrize("streams", [True, False])
async def test_pods_come_and_change_and_go(streams: bool) -> None:
    async with kube_api() as api:
        api.streams = streams
        api.put("pods", pod("a"))
        async with discovering(at(api)) as found:
            await found.has("10.0.0.1:80")
            api.put("pods", pod("b", "10.0.0.2"))
            await found.has("10.0.0.1:80", "10.0.0.2:80")
            api.put("pods", pod("b", "10.0.0.3", x="y"))
            await found.has("10.0.0.1:80", "10.0.0.3:80")
            api.remove("pods", pod("a"))
            await found.has("10.0.0.3:80")
            assert found.labels("pod_label_x") == ["y"]
            assert [found.events(each) for each in ("add", "update", "delete")] == [2, 1, 1]
            assert (found.failures, found.trouble) == (0, "")
            watches, lists = api.requests("pods", watches=True), api.requests("pods", watches=False)
            assert (len(watches), len(lists)) == ((1, 0) if streams else (2, 1))
            assert watches[-1].query["allowWatchBookmarks"] == "true"
            assert 300 <= int(watches[-1].query["timeoutSeconds"]) <= 600
            assert watches[-1].headers["accept"] == "application/json"
    assert api.watches == []


async def test_a_list_comes_in_pages() -> None:
    async with kube_api() as api:
        api.streams, api.page = False, 2
        for number in range(5):
            api.put("pods", pod(f"p{number}", f"10.0.0.{number}"))
        async with discovering(at(api)) as found:
            await found.has(*(f"10.0.0.{number}:80" for number in range(5)))
        first, second, third = api.requests("pods", watches=False)
        assert (first.query["resourceVersion"], first.query["limit"]) == ("0", "500")
        assert [each.query.get("continue") for each in (first, second, third)] == [None, "2", "4"]


@pytest.mark.parametrize("end", ["close", "cut"])
async def test_a_watch_that_ends_is_continued_from_the_last_version(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_SHORTEST_WATCH_SECONDS", 0.0)
    async with kube_api() as api:
        api.put("pods", pod("a"))
        async with discovering(at(api)) as found:
            await found.has("10.0.0.1:80")
            api.bookmark()
            await asyncio.sleep(0.05)
            version = api.version
            getattr(api, end)()
            api.put("pods", pod("b", "10.0.0.2"))
            await found.has("10.0.0.1:80", "10.0.0.2:80")
            assert (found.failures, found.trouble, found.messages) == (0, "", [])
        first, second = api.requests("pods", watches=True)
        assert first.query["sendInitialEvents"] == "true"
        assert second.query["resourceVersion"] == str(version)
        assert "sendInitialEvents" not in second.query


@pytest.mark.parametrize("streams", [True, False])
async def test_versions_that_are_gone_are_read_again(streams: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "_SHORTEST_WATCH_SECONDS", 0.0)
    async with kube_api() as api:
        api.streams = streams
        for name, ip in (("a", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.3")):
            api.put("pods", pod(name, ip))
        async with discovering(at(api)) as found:
            await found.has("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80")
            await until(lambda: api.watches)
            for watch in api.watches:
                watch.namespace = "none of these"
            api.remove("pods", pod("a"))
            api.put("pods", pod("b", "10.0.0.4"))
            api.compact()
            api.close()
            await found.has("10.0.0.3:80", "10.0.0.4:80")
            assert [found.events(each) for each in ("add", "update", "delete")] == [3, 1, 1]
            assert found.trouble == ""
            gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
            await until(lambda: api.watches)
            api.send(json.dumps(gone).encode() + b"\n")
            await until(lambda: len(api.requests("pods", watches=streams)) > 2)
            await until(lambda: api.watches)
            api.put("pods", pod("d", "10.0.0.5"))
            await found.has("10.0.0.3:80", "10.0.0.4:80", "10.0.0.5:80")
            assert (found.failures, found.trouble, found.messages) == (0, "", [])


async def test_a_role_waits_for_everything_that_it_needs() -> None:
    async with kube_api() as api:
        api.refusals["services"] = 403
        address = {"ip": "10.0.0.1", "targetRef": {"kind": "Pod", "namespace": "default", "name": "a"}}
        subset = {"addresses": [address], "ports": [{"port": 80, "protocol": "TCP"}]}
        metadata = {"name": "s", "namespace": "default"}
        api.put("endpoints", {"metadata": metadata, "subsets": [subset]})
        api.put("services", {"metadata": {**metadata, "labels": {"team": "x"}}})
        api.put("pods", pod("a"))
        async with discovering(at(api, "endpoints")) as found:
            await until(lambda: found.failures > 1)
            text = "Failed to watch: failed to list *v1.Service: services is forbidden"
            assert (found.trouble, found.exports[-1].targets) == (text, ())
            assert found.messages == ["Failed to watch"]
            del api.refusals["services"]
            await found.has("10.0.0.1:80")
            assert found.labels("service_label_team") == ["x"]
            assert found.labels("pod_name") == ["a"]
            assert found.trouble == ""
            assert found.messages == ["Failed to watch", "Watching again"]
            api.put("pods", pod("a", colour="red"))
            await until(lambda: found.labels("pod_label_colour") == ["red"])
            api.put("services", {"metadata": {**metadata, "labels": {"team": "y"}}})
            await until(lambda: found.labels("service_label_team") == ["y"])


async def test_labels_of_nodes_and_namespaces() -> None:
    async with kube_api() as api:
        api.put("pods", pod("a"))
        api.put("namespaces", {"metadata": {"name": "default", "labels": {"tier": "1"}}})
        metadata = MetadataArguments(node=True, namespace=True)
        selectors = (SelectorArguments(role="node", label="zone"), SelectorArguments(role="pod", field="x=y"))
        given = at(api, attach_metadata=metadata, selectors=selectors)
        async with discovering(given) as found:
            await until(lambda: len(api.watches) == 3)
            await asyncio.sleep(0.1)
            assert not found.exports[-1].targets
            api.put("nodes", node("node-1", zone="z"))
            await found.has("10.0.0.1:80")
            assert found.labels("node_label_zone") == ["z"]
            assert found.labels("namespace_label_tier") == ["1"]
            api.put("namespaces", {"metadata": {"name": "default", "labels": {"tier": "2"}}})
            await until(lambda: found.labels("namespace_label_tier") == ["2"])
            api.remove("nodes", node("node-1"))
            await found.has()
        asked = {each.path.rpartition("/")[2]: each.query for each in api.asked}
        assert asked["nodes"]["labelSelector"] == "zone"
        assert asked["pods"]["fieldSelector"] == "x=y"
        assert "labelSelector" not in asked["namespaces"]


async def test_a_namespace_that_is_forbidden_costs_only_itself() -> None:
    async with kube_api() as api:
        api.put("pods", pod("a", namespace="one"))
        given = at(api, namespaces=NamespacesArguments(names=("one", "two words", "one")))
        async with discovering(given) as found:
            await found.has("10.0.0.1:80")
        assert sorted({each.path for each in api.asked}) == [
            "/api/v1/namespaces/one/pods",
            "/api/v1/namespaces/two%20words/pods",
        ]


async def test_selectors_and_settings_without_effect_are_named(tmp_path: Path) -> None:
    async with kube_api() as api:
        given = at(api, selectors=(SelectorArguments(role="ingress", label="a"),))
        async with discovering(given) as found:
            assert found.messages == ["a selector has no effect with this role"]
        kubeconfig = tmp_path / "kc"
        kubeconfig.write_text(f"""
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{api.port}"}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
users: [{{name: u, user: {{token: hush}}}}]
""")
        given = Arguments(
            role="pod",
            kubeconfig_file=str(kubeconfig),
            http_client=replace(given.http_client, follow_redirects=False),
        )
        api.put("pods", pod("a"))
        async with discovering(given) as found:
            assert found.messages == ["the settings of the HTTP client have no effect"]
            await found.has("10.0.0.1:80")
        assert all("authorization" not in each.headers for each in api.asked)


async def test_an_update_keeps_the_targets_until_the_new_ones_are_there() -> None:
    async with kube_api() as api, kube_api() as other:
        api.put("pods", pod("a"))
        other.refusals["pods"] = 500
        async with discovering(at(api)) as found:
            await found.has("10.0.0.1:80")
            given = at(other)
            await found.component.prepare_update(given)
            await found.component.update(given)
            await until(lambda: found.failures > 1)
            assert found.trouble == "Failed to watch: failed to list *v1.Pod: status 500 for pods"
            assert found.addresses == ["10.0.0.1:80"]
            other.put("pods", pod("b", "10.0.0.2"))
            del other.refusals["pods"]
            await found.has("10.0.0.2:80")
            assert api.watches == []


async def test_an_empty_cluster_ends_the_old_targets() -> None:
    async with kube_api() as api, kube_api() as other:
        api.put("pods", pod("a"))
        async with discovering(at(api)) as found:
            await found.has("10.0.0.1:80")
            await found.component.prepare_update(at(other))
            await found.component.update(at(other))
            await found.has()
