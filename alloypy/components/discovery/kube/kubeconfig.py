"""Reads kubeconfig files: the cluster and the user of the current context.

Error texts are those of Kubernetes' Go client.
Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.components.discovery.kube.labels import part, parts, text, texts
from alloypy.files import read_regular
from alloypy.lang.go.base64 import STANDARD, CorruptBase64, decode_base64
from alloypy.lang.go.text import quote
from alloypy.lang.go.url import URL, parse_url
from alloypy.lang.stdlib.yaml.decoder import YAMLError, decode
from alloypy.lang.values import Secret
from alloypy.net.client.auth import BasicAuth
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.tls import TLSSettings
from alloypy.os_errors import open_fault

_NOTHING = "no configuration has been provided, try setting KUBERNETES_MASTER environment variable"
_PROXY_SCHEMES = ("http", "https", "socks5")
_REMOVED_PLUGINS = ("gcp", "azure")


class KubeconfigError(Exception):
    """The file cannot be used; the text says why."""


class ExecSettings(NamedTuple):
    """A program that prints credentials. cluster: what it is told about the cluster, None for nothing."""

    command: str
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    version: str
    hint: str
    cluster: Mapping[str, Any] | None


class Kubeconfig(NamedTuple):
    """The API's server, and how a client of it authenticates; at most one of the ways."""

    server: str
    tls: TLSSettings
    proxy: ProxySettings
    token: Secret | None = None
    token_file: str = ""
    basic: BasicAuth | None = None
    exec: ExecSettings | None = None
    headers: tuple[tuple[str, tuple[str, ...]], ...] = ()


def read_kubeconfig(path: str) -> Kubeconfig:
    """The configuration in a file. Raises KubeconfigError."""
    try:
        data = read_regular(path)
    except (OSError, ValueError) as error:
        raise KubeconfigError(open_fault(path, error).replace("open ", "stat ", 1)) from None
    try:
        content = _content(decode(data.decode("utf-8", "surrogateescape")))
        return _Reader(content, Path(path).parent).read()
    except (YAMLError, _Unreadable) as error:
        raise KubeconfigError(f"error loading config file {quote(path)}: {error}") from None


class _Unreadable(Exception):
    """The content does not have the form of a kubeconfig."""


def _content(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _Unreadable("couldn't get version/kind: it is not a mapping")
    kind, version = text(value, "kind"), text(value, "apiVersion")
    if (kind or "Config", version or "v1") != ("Config", "v1"):
        raise _Unreadable(f"no kind {quote(kind)} is registered for version {quote(version)}")
    for name in ("clusters", "contexts", "users"):
        if not isinstance(value.get(name) or [], list):
            raise _Unreadable(f"{name} is not a list")
    return value


class _Reader:
    """Reads one kubeconfig. folder: to which the paths in it are relative."""

    def __init__(self, content: Mapping[str, Any], folder: Path) -> None:
        self._content = content
        self._folder = folder
        self._faults: list[str] = []

    def read(self) -> Kubeconfig:
        """Raises KubeconfigError, _Unreadable."""
        current = text(self._content, "current-context")
        context = self._named("contexts", "context", current)
        if current and context is None:
            self._refuse(
                f"context was not found for specified context: {current}", "cluster has no server defined"
            )
        context = context or {}
        cluster_name, user_name = text(context, "cluster"), text(context, "user")
        cluster = self._named("clusters", "cluster", cluster_name)
        if cluster is None:
            self._refuse(_NOTHING)
        user = self._named("users", "user", user_name) or {}
        server, proxy, tls = self._cluster(cluster_name, cluster or {})
        tls = self._certificate(user_name, user, tls)
        self._one_method(user_name, user)
        program = self._exec(user_name, user, cluster or {})
        if self._faults:
            self._refuse(*self._faults)
        self._plugin(user)
        secure = tls != TLSSettings()
        url = _server(server, secure=secure)
        if not url.startswith("https://"):
            return Kubeconfig(url, tls, proxy)
        return self._with_user(Kubeconfig(url, tls, proxy), user, program)

    def _named(self, several: str, one: str, name: str) -> Mapping[str, Any] | None:
        for each in parts(self._content, several):
            if text(each, "name") == name and name:
                return part(each, one)
        return None

    def _refuse(self, *faults: str) -> None:
        joined = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
        raise KubeconfigError(f"invalid configuration: {joined}")

    def _cluster(self, name: str, cluster: Mapping[str, Any]) -> tuple[str, ProxySettings, TLSSettings]:
        server = text(cluster, "server")
        if not server:
            self._faults.append(f"no server found for cluster {quote(name)}")
        proxy = ProxySettings(from_environment=True)
        if text(cluster, "proxy-url"):
            proxy = ProxySettings(url=self._proxy(name, text(cluster, "proxy-url")))
        ca, path = self._data_or_file(cluster, "certificate-authority")
        self._readable(path, f"unable to read certificate-authority {path} for {name} due to ")
        skip = cluster.get("insecure-skip-tls-verify") is True
        if skip and (ca or path):
            self._faults.append("specifying a root certificates file with the insecure flag is not allowed")
        return (
            server,
            proxy,
            TLSSettings(
                ca_pem=ca,
                ca_file=path,
                server_name=text(cluster, "tls-server-name"),
                insecure_skip_verify=skip,
            ),
        )

    def _proxy(self, name: str, given: str) -> URL | None:
        try:
            url = parse_url(given)
        except ValueError as error:
            self._faults.append(f"invalid 'proxy-url' {quote(given)} for cluster {quote(name)}: {error}")
            return None
        if url.scheme not in _PROXY_SCHEMES:
            reason = f"unsupported scheme {quote(url.scheme)}, must be http, https, or socks5"
            self._faults.append(f"invalid 'proxy-url' {quote(given)} for cluster {quote(name)}: {reason}")
        return url

    def _certificate(self, name: str, user: Mapping[str, Any], tls: TLSSettings) -> TLSSettings:
        certificate, certificate_file = self._data_or_file(user, "client-certificate")
        key, key_file = self._data_or_file(user, "client-key")
        if not (certificate or certificate_file):
            return tls
        if not (key or key_file):
            self._faults.append(
                f"client-key-data or client-key must be specified for {name} to use the clientCert "
                "authentication method."
            )
        self._readable(certificate_file, f"unable to read client-cert {certificate_file} for {name} due to ")
        self._readable(key_file, f"unable to read client-key {key_file} for {name} due to ")
        return tls._replace(
            cert_pem=certificate,
            cert_file=certificate_file,
            key_pem=Secret(key) if key else None,
            key_file=key_file,
        )

    def _one_method(self, name: str, user: Mapping[str, Any]) -> None:
        methods = []
        if text(user, "token") or text(user, "tokenFile"):
            methods.append("token")
        if text(user, "username") or text(user, "password"):
            methods.append("basicAuth")
        if isinstance(user.get("exec"), dict) and methods:
            methods.append("exec")
        if len(methods) > 1:
            found = " ".join(methods)
            self._faults.append(
                f"more than one authentication method found for {name}; found [{found}], only one is allowed"
            )

    def _exec(self, name: str, user: Mapping[str, Any], cluster: Mapping[str, Any]) -> ExecSettings | None:
        given = part(user, "exec")
        if not isinstance(user.get("exec"), dict):
            return None
        version, mode = text(given, "apiVersion"), text(given, "interactiveMode")
        if version == "client.authentication.k8s.io/v1beta1":
            mode = mode or "IfAvailable"
        for wanted, value in (
            ("command", text(given, "command")),
            ("apiVersion", version),
            ("interactiveMode", mode),
        ):
            if not value:
                self._faults.append(
                    f"{wanted} must be specified for {name} to use exec authentication plugin"
                )
        if mode == "Always":
            self._faults.append(
                f"the exec authentication plugin of {name} wants a terminal, and there is none"
            )
        env = tuple((text(each, "name"), text(each, "value")) for each in parts(given, "env"))
        command = text(given, "command")
        if "/" in command:
            command = self._path(command)
        told = _told(cluster) if given.get("provideClusterInfo") is True else None
        return ExecSettings(
            command, tuple(texts(given, "args")), env, version, text(given, "installHint"), told
        )

    def _plugin(self, user: Mapping[str, Any]) -> None:
        """Raises KubeconfigError for a kind of authentication that the Go client has given up, too."""
        if isinstance(user.get("auth-provider"), dict):
            name = text(part(user, "auth-provider"), "name")
            if name in _REMOVED_PLUGINS:
                raise KubeconfigError(f"The {name} auth plugin has been removed.")
            raise KubeconfigError(f"no Auth Provider found for name {quote(name)}")

    def _with_user(
        self, found: Kubeconfig, user: Mapping[str, Any], program: ExecSettings | None
    ) -> Kubeconfig:
        token, token_file, basic = None, "", None
        if text(user, "tokenFile"):
            token_file = self._path(text(user, "tokenFile"))
            self._check_open(token_file)
        elif text(user, "token"):
            token = Secret(text(user, "token"))
        elif text(user, "username") or text(user, "password"):
            basic = BasicAuth(text(user, "username"), Secret(text(user, "password")))
        return found._replace(
            token=token,
            token_file=token_file,
            basic=basic,
            exec=program if token is None and not token_file and basic is None else None,
            headers=tuple(_impersonation(user)),
        )

    def _data_or_file(self, given: Mapping[str, Any], name: str) -> tuple[str, str]:
        """A PEM text, or else the path of a file."""
        data = text(given, f"{name}-data")
        if data:
            return _decoded(data), ""
        path = text(given, name)
        return "", self._path(path) if path else ""

    def _path(self, path: str) -> str:
        return str(self._folder / path)

    def _readable(self, path: str, complaint: str) -> None:
        if path:
            try:
                read_regular(path)
            except (OSError, ValueError) as error:
                self._faults.append(f"{complaint}{open_fault(path, error)}")

    def _check_open(self, path: str) -> None:
        try:
            read_regular(path)
        except (OSError, ValueError) as error:
            raise KubeconfigError(open_fault(path, error)) from None


def _decoded(data: str) -> str:
    try:
        return decode_base64(data.encode(), STANDARD).decode("utf-8", "surrogateescape")
    except CorruptBase64 as error:
        raise _Unreadable(str(error)) from None


def _server(server: str, *, secure: bool) -> str:
    """The URL of a server, which may be written without a scheme. Raises KubeconfigError."""
    if "://" not in server:
        server = f"{'https' if secure else 'http'}://{server}"
    try:
        url = parse_url(server)
    except ValueError as error:
        raise KubeconfigError(str(error)) from None
    return f"{url.scheme}://{url.host}{url.escaped_path.rstrip('/')}"


def _impersonation(user: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The headers for acting as another user."""
    if text(user, "as"):
        yield "Impersonate-User", (text(user, "as"),)
    if text(user, "as-uid"):
        yield "Impersonate-Uid", (text(user, "as-uid"),)
    if texts(user, "as-groups"):
        yield "Impersonate-Group", tuple(texts(user, "as-groups"))
    extra = part(user, "as-user-extra")
    for name in extra:
        yield f"Impersonate-Extra-{name}", tuple(texts(extra, name))


def _told(cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a program for credentials is told about the cluster."""
    names = {
        "server": "server",
        "tls-server-name": "tls-server-name",
        "insecure-skip-tls-verify": "insecure-skip-tls-verify",
        "certificate-authority-data": "certificate-authority-data",
        "proxy-url": "proxy-url",
    }
    return {told: cluster[name] for name, told in names.items() if cluster.get(name)}
