"""How discovery.kubernetes reaches the API: as a pod in the cluster, and with programs for credentials."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
import trustme
import yaml

from alloypy.components.discovery.kube import access
from alloypy.components.discovery.kubernetes import Arguments, NamespacesArguments
from alloypy.runtime.contract.component import BuildError
from tests.support.kube_api import kube_api, pod
from tests.support.kube_discovering import discovering, hurry
from tests.support.tls import pem
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def issuer() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(issuer: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def account(tmp_path: Path, issuer: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod's service account."""
    for name, text in (("token", "pod-token\n"), ("ca.crt", pem(issuer)), ("namespace", "mine")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(access, "SERVICE_ACCOUNT", tmp_path)
    return tmp_path


def inside(port: int) -> dict[str, str]:
    return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}


async def test_a_pod_uses_its_account(account: Path, server: ssl.SSLContext) -> None:
    async with kube_api(server) as api:
        api.token = "pod-token"
        api.put("pods", pod("a", namespace="mine"))
        api.put("pods", pod("b", "10.0.0.2", namespace="named"))
        api.put("pods", pod("c", "10.0.0.3", namespace="other"))
        namespaces = NamespacesArguments(own_namespace=True, names=("named",))
        given = Arguments(role="pod", namespaces=namespaces)
        async with discovering(given, inside(api.port)) as found:
            await found.has("10.0.0.1:80", "10.0.0.2:80")
            assert found.messages == ["Using pod service account via in-cluster config"]
        (account / "ca.crt").unlink()
        async with discovering(Arguments(role="pod"), inside(api.port)) as found:
            await until(lambda: "certificate signed by unknown authority" in found.trouble)


async def test_an_account_that_is_not_whole(account: Path) -> None:
    given = Arguments(role="pod", namespaces=NamespacesArguments(own_namespace=True))

    async def fault(environ: dict[str, str]) -> str:
        with pytest.raises(BuildError) as caught:
            async with discovering(given, environ):
                pass
        return str(caught.value).replace(str(account), "DIR")

    assert (await fault({})).startswith("unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST")
    (account / "namespace").write_text("")
    assert await fault(inside(1)) == "could not read own namespace name (empty file)"
    (account / "namespace").unlink()
    absent = "no such file or directory"
    assert await fault(inside(1)) == (
        f"could not determine the pod's namespace: open DIR/namespace: {absent}"
    )
    (account / "token").unlink()
    assert await fault(inside(1)) == f"open DIR/token: {absent}"


def program(path: Path, **status: str) -> None:
    """A program that prints these credentials."""
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'status': status})}\nEND\n")
    path.chmod(0o755)


def kubeconfig(path: Path, port: int, authority: str) -> str:
    (path / "ca.crt").write_text(authority)
    plugin = {"command": "./program", "apiVersion": "client.authentication.k8s.io/v1beta1"}
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}
    content = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
        "users": [{"name": "u", "user": {"exec": plugin}}],
    }
    (path / "kc").write_text(yaml.safe_dump(content))
    return str(path / "kc")


async def test_a_program_is_asked_again_when_its_token_is_refused(
    tmp_path: Path, issuer: trustme.CA, server: ssl.SSLContext
) -> None:
    async with kube_api(server) as api:
        api.token = "first"
        api.put("pods", pod("a"))
        program(tmp_path / "program", token="first")
        given = Arguments(role="pod", kubeconfig_file=kubeconfig(tmp_path, api.port, pem(issuer)))
        async with discovering(given) as found:
            await found.has("10.0.0.1:80")
            api.token = "second"
            api.close()
            await until(lambda: found.failures)
            program(tmp_path / "program", token="second")
            api.put("pods", pod("b", "10.0.0.2"))
            await found.has("10.0.0.1:80", "10.0.0.2:80")
            assert found.trouble == ""
            assert not any("first" in line or "second" in line for line in found.log.lines)


async def test_a_program_may_give_a_certificate(
    tmp_path: Path, issuer: trustme.CA, server: ssl.SSLContext
) -> None:
    issuer.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    client = issuer.issue_cert("client")
    chain = "".join(part.bytes().decode() for part in client.cert_chain_pems)
    async with kube_api(server) as api:
        api.put("pods", pod("a"))
        path = tmp_path / "program"
        program(path, clientCertificateData=chain, clientKeyData=client.private_key_pem.bytes().decode())
        given = Arguments(role="pod", kubeconfig_file=kubeconfig(tmp_path, api.port, pem(issuer)))
        async with discovering(given) as found:
            await found.has("10.0.0.1:80")
        assert "authorization" not in api.asked[0].headers


async def test_a_program_that_is_missing_is_in_the_health(tmp_path: Path) -> None:
    given = Arguments(role="pod", kubeconfig_file=kubeconfig(tmp_path, 1, pem(trustme.CA())))
    async with discovering(given) as found:
        await until(lambda: found.trouble)
        assert found.trouble == (
            "Failed to watch: failed to list *v1.Pod: getting credentials: "
            f"exec: fork/exec {tmp_path}/program: no such file or directory"
        )
