"""How the API of Kubernetes is reached: at a URL, as a kubeconfig says, or from a pod in the cluster.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from alloypy.components.discovery.kube.api import UNAUTHORIZED, Api, ApiError, PlainApi, ask
from alloypy.components.discovery.kube.exec_plugin import Credential, ExecPlugin
from alloypy.components.discovery.kube.kubeconfig import Kubeconfig, KubeconfigError, read_kubeconfig
from alloypy.components.discovery.kube.labels import host_port
from alloypy.net.client.auth import Authorization
from alloypy.net.client.client import ClientSettings
from alloypy.net.client.cold import ColdClient, ColdError
from alloypy.net.client.messages import Taker
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.tls import TLSSettings
from alloypy.os_errors import open_fault
from alloypy.threads import FILE_SECONDS, FILES, read_file

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token, its namespace and the certificates of the cluster."""

_NOT_IN_CLUSTER = (
    "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be "
    "defined"
)


class AccessError(Exception):
    """The API cannot be reached with these settings; the text says why."""


class Access(NamedTuple):
    """A way to the API. namespace: of the pod that alloypy runs in, "" unless it was asked for."""

    api: Api
    namespace: str = ""


class Surroundings(NamedTuple):
    """What the process provides. user_agent: sent with every request."""

    environ: Mapping[str, str]
    user_agent: str

    def client(self, settings: ClientSettings) -> ColdClient:
        """A client with these settings.

        It speaks HTTP/1.1, because a server that refuses a token over HTTP/2 closes the connection, too, and
        httpx then drops the answer.
        """
        settings = settings._replace(http2=False)
        return ColdClient(settings, environ=self.environ, user_agent=self.user_agent)


async def at_url(url: str, settings: ClientSettings, around: Surroundings) -> Access:
    """The API at a URL. Raises AccessError."""
    return Access(PlainApi(url.rstrip("/"), await _checked(around.client(settings))))


async def by_kubeconfig(path: str, around: Surroundings) -> Access:
    """The API of a kubeconfig's current context. Raises AccessError."""
    try:
        found = await FILES.run(lambda: read_kubeconfig(path), FILE_SECONDS, path)
    except KubeconfigError as error:
        raise AccessError(str(error)) from None
    except TimeoutError as error:
        raise AccessError(open_fault(path, error)) from None
    if found.exec is not None:
        await _checked(around.client(_settings(found)))
        return Access(_ExecApi(found, ExecPlugin(found.exec, around.environ), around))
    return Access(PlainApi(found.server, await _checked(around.client(_settings(found)))))


async def in_cluster(around: Surroundings, *, own_namespace: bool) -> Access:
    """The API of the cluster in which alloypy runs as a pod. Raises AccessError."""
    host = around.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = around.environ.get("KUBERNETES_SERVICE_PORT", "")
    if not (host and port):
        raise AccessError(_NOT_IN_CLUSTER)
    token, authority = SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt"
    await _read(token, "")
    try:
        await _read(authority, "")
    except AccessError:  # the system's certificates may do
        tls = TLSSettings()
    else:
        tls = TLSSettings(ca_file=str(authority))
    namespace = ""
    if own_namespace:
        namespace = await _read(SERVICE_ACCOUNT / "namespace", "could not determine the pod's namespace: ")
        if not namespace:
            raise AccessError("could not read own namespace name (empty file)")
    settings = ClientSettings(
        authorization=Authorization(credentials_file=str(token)),
        tls=tls,
        proxy=ProxySettings(from_environment=True),
    )
    client = await _checked(around.client(settings))
    return Access(PlainApi(f"https://{host_port(host, port)}", client), namespace)


async def _read(path: Path, complaint: str) -> str:
    try:
        return (await read_file(str(path))).decode(errors="surrogateescape")
    except (OSError, ValueError) as error:
        raise AccessError(f"{complaint}{open_fault(str(path), error)}") from None


async def _checked(client: ColdClient) -> ColdClient:
    try:
        await client.check()
    except ColdError as error:
        raise AccessError(str(error)) from None
    return client


def _settings(found: Kubeconfig) -> ClientSettings:
    authorization = None
    if found.token is not None or found.token_file:
        authorization = Authorization(credentials=found.token, credentials_file=found.token_file)
    return ClientSettings(
        basic_auth=found.basic,
        authorization=authorization,
        tls=found.tls,
        proxy=found.proxy,
        http_headers=found.headers,
    )


class _ExecApi:
    """An API for which a program prints the credentials."""

    def __init__(self, found: Kubeconfig, plugin: ExecPlugin, around: Surroundings) -> None:
        self._found = found
        self._plugin = plugin
        self._around = around
        self._client: ColdClient | None = None
        self._certificate = ""

    async def get(self, path: str, query: Mapping[str, str], taker: Taker) -> None:
        credential = await self._plugin.credential()
        client = await self._client_with(credential)
        token = credential.token
        headers = () if token is None else (("Authorization", f"Bearer {token.reveal()}"),)
        try:
            await ask(client, f"{self._found.server}{path}?{urlencode(query)}", taker, headers)
        except ApiError as error:
            if error.code == UNAUTHORIZED:
                self._plugin.refuse(credential)
            raise

    async def _client_with(self, credential: Credential) -> ColdClient:
        """The client; a new certificate needs a new one, with which all requests begin again."""
        old = self._client
        if old is not None and credential.certificate == self._certificate:
            return old
        settings = _settings(self._found)
        if credential.certificate:
            tls = settings.tls._replace(cert_pem=credential.certificate, key_pem=credential.key)
            settings = settings._replace(tls=tls)
        new = self._client = self._around.client(settings)
        self._certificate = credential.certificate
        if old is not None:
            await old.aclose()
        return new

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
