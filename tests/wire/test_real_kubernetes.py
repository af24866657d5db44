"""discovery.kubernetes and a real API, if kube-apiserver and etcd are installed (`dev.py test --full`)."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from alloypy.components.discovery.kubernetes import (
    Arguments,
    MetadataArguments,
    NamespacesArguments,
    SelectorArguments,
)
from alloypy.components.http_client import HTTPClientArguments, TLSArguments
from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from tests.support.counts import FULL
from tests.support.kube_api import node, pod
from tests.support.kube_discovering import discovering, hurry
from tests.support.running import free_port
from tests.support.waiting import PATIENCE_SECONDS, until

BINARIES = [shutil.which(name) for name in ("etcd", "kube-apiserver", "openssl")]
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (FULL and all(BINARIES)), reason="needs etcd and kube-apiserver; dev.py test --full runs it"
    ),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


class Cluster:
    """A real API. Its tokens are `admin`, who may do anything, and `nobody`, who may do nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = free_port()
        self.authority = path / "certs" / "apiserver.crt"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._client = httpx.AsyncClient(
            verify=context,
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Authorization": "Bearer admin-token"},
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    async def start(self) -> None:
        (self.path / "tokens.csv").write_text("admin-token,admin,1,system:masters\nnobody-token,nobody,2\n")
        key = str(self.path / "sa.key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._run(
            "etcd",
            data_dir=self.path / "etcd",
            listen_client_urls=clients,
            advertise_client_urls=clients,
            listen_peer_urls=peers,
            initial_advertise_peer_urls=peers,
            initial_cluster=f"default={peers}",
        )
        self._run(
            "kube-apiserver",
            etcd_servers=clients,
            secure_port=self.port,
            bind_address="127.0.0.1",
            cert_dir=self.authority.parent,
            service_account_key_file=key,
            service_account_signing_key_file=key,
            service_account_issuer="https://test",
            token_auth_file=self.path / "tokens.csv",
            authorization_mode="RBAC",
            service_cluster_ip_range="10.96.0.0/16",
            disable_admission_plugins="ServiceAccount",
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not await self._ready():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        await self.send("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})

    def _run(self, name: str, **flags: object) -> None:
        given = [f"--{flag.replace('_', '-')}={value}" for flag, value in flags.items()]
        with (self.path / f"{name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen([name, *given], stdout=log, stderr=log))

    async def _ready(self) -> bool:
        try:
            return (await self._client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def send(self, method: str, path: str, body: Any = None) -> None:
        kinds = {"PATCH": "application/merge-patch+json"}
        headers = {"Content-Type": kinds.get(method, "application/json")}
        answer = await self._client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text

    async def add(self, path: str, given: dict[str, Any]) -> None:
        """Create an object, and its status, which the API takes separately."""
        name = given["metadata"]["name"]
        await self.send("POST", path, {key: value for key, value in given.items() if key != "status"})
        if "status" in given:
            await self.send("PATCH", f"{path}/{name}/status", {"status": given["status"]})

    async def stop(self) -> None:
        await self._client.aclose()
        for process in reversed(self._processes):
            process.terminate()
            await asyncio.to_thread(process.wait)

    def discovering(self, role: str, token: str = "admin-token", **given: Any) -> Arguments:
        tls = TLSArguments(ca_file=str(self.authority))
        return Arguments(
            role=role,
            api_server=parse_url(f"https://127.0.0.1:{self.port}"),
            http_client=HTTPClientArguments(bearer_token=Secret(token), tls_config=tls),
            **given,
        )


@asynccontextmanager
async def cluster(path: Path) -> AsyncIterator[Cluster]:
    running = Cluster(path)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


def real_pod(name: str, ip: str, **labels: str) -> dict[str, Any]:
    """A pod with what a real API wants."""
    given = pod(name, ip, "team", **labels)
    given["metadata"].pop("uid")
    given["spec"]["containers"][0]["image"] = "img:1"
    return given


PODS, NODES = "/api/v1/namespaces/team/pods", "/api/v1/nodes"


async def test_all_roles_follow_a_real_api(tmp_path: Path) -> None:
    async with cluster(tmp_path) as real:
        await real.add(NODES, node("node-1", zone="z"))
        await real.add(PODS, real_pod("web", "10.0.0.1", app="web"))
        metadata = {"name": "web"}
        await real.add(
            "/api/v1/namespaces/team/services",
            {"metadata": metadata, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}},
        )
        reference = {"kind": "Pod", "namespace": "team", "name": "web"}
        endpoint = {"ip": "10.0.0.1", "nodeName": "node-1", "targetRef": reference}
        subset = {"addresses": [endpoint], "ports": [{"port": 80}]}
        await real.add("/api/v1/namespaces/team/endpoints", {"metadata": metadata, "subsets": [subset]})
        await real.add(
            "/apis/discovery.k8s.io/v1/namespaces/team/endpointslices",
            {
                "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.1"], "targetRef": reference, "nodeName": "node-1"}],
                "ports": [{"port": 80}],
            },
        )
        await real.add(
            "/apis/networking.k8s.io/v1/namespaces/team/ingresses",
            {"metadata": metadata, "spec": {"rules": [{"host": "web.example"}], "ingressClassName": "i"}},
        )
        selector = SelectorArguments(role="pod", label="app in (web)", field="spec.nodeName=node-1")
        attached = MetadataArguments(node=True, namespace=True)
        wanted = {
            "pod": ["10.0.0.1:80"],
            "service": ["web.team.svc:80"],
            "endpoints": ["10.0.0.1:80"],
            "endpointslice": ["10.0.0.1:80"],
            "node": ["10.1.0.1:0"],
            "ingress": ["web.example"],
        }
        for role, addresses in wanted.items():
            selectors = (selector,) if role == "pod" else ()
            given = real.discovering(
                role,
                attach_metadata=attached,
                selectors=selectors,
                namespaces=NamespacesArguments(names=("team",)),
            )
            async with discovering(given) as found:
                await found.has(*addresses)
                assert (found.failures, found.trouble) == (0, "")


async def test_changes_of_a_real_api_are_seen(tmp_path: Path) -> None:
    async with cluster(tmp_path) as real:
        given = real.discovering("pod", namespaces=NamespacesArguments(names=("team",)))
        async with discovering(given) as found:
            await real.add(PODS, real_pod("a", "10.0.0.1"))
            await found.has("10.0.0.1:80")
            await real.send("PATCH", f"{PODS}/a", {"metadata": {"labels": {"x": "y"}}})
            await until(lambda: found.labels("pod_label_x") == ["y"])
            await real.send("DELETE", f"{PODS}/a?gracePeriodSeconds=0")
            await found.has()
            assert (found.failures, found.trouble) == (0, "")


async def test_what_a_real_api_refuses_is_said(tmp_path: Path) -> None:
    async with cluster(tmp_path) as real:
        wrong = SelectorArguments(role="pod", field="spec.nope=1")
        for given, text in (
            (real.discovering("pod", "nobody-token"), 'pods is forbidden: User "nobody" cannot'),
            (real.discovering("pod", "wrong"), "Unauthorized"),
            (real.discovering("pod", selectors=(wrong,)), "field label not supported: spec.nope"),
        ):
            async with discovering(given) as found:
                await until(lambda found=found: found.trouble)  # type: ignore[misc]
                assert text in found.trouble
