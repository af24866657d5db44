"""How kubeconfigs are read, and what is said about those that cannot be used."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from alloypy.components.discovery.kube.kubeconfig import Kubeconfig, KubeconfigError, read_kubeconfig
from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from alloypy.net.client.auth import BasicAuth
from alloypy.net.client.proxy import ProxySettings
from alloypy.net.client.tls import TLSSettings

SERVER = "https://k.example:6443"


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def written(path: Path, cluster: Any = None, user: Any = None, **changes: Any) -> str:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": SERVER} if cluster is None else cluster}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
        **changes,
    }
    (path / "kc").write_text(yaml.safe_dump(content))
    return str(path / "kc")


def read(path: Path, **given: Any) -> Kubeconfig:
    return read_kubeconfig(written(path, **given))


def fault(path: Path, **given: Any) -> str:
    with pytest.raises(KubeconfigError) as caught:
        read(path, **given)
    return str(caught.value).replace(str(path), "DIR").removeprefix("invalid configuration: ")


def test_a_token(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.server, found.token) == (SERVER, Secret("t"))
    assert found.proxy == ProxySettings(from_environment=True)


def test_files_beside_the_kubeconfig(tmp_path: Path) -> None:
    for name in ("ca", "crt", "key", "token"):
        (tmp_path / name).write_text(name)
    cluster = {
        "server": f"{SERVER}/prefix/",
        "certificate-authority": "ca",
        "tls-server-name": "other",
        "proxy-url": "socks5://p:1",
    }
    user = {"client-certificate": "crt", "client-key": "key", "tokenFile": "token"}
    found = read(tmp_path, cluster=cluster, user=user)
    assert found.server == f"{SERVER}/prefix"
    assert found.tls == TLSSettings(
        ca_file=str(tmp_path / "ca"),
        cert_file=str(tmp_path / "crt"),
        key_file=str(tmp_path / "key"),
        server_name="other",
    )
    assert found.token_file == str(tmp_path / "token")
    assert found.proxy == ProxySettings(url=parse_url("socks5://p:1"))


def test_inline_data_wins(tmp_path: Path) -> None:
    cluster = {"server": SERVER, "certificate-authority": "none", "certificate-authority-data": packed("CA")}
    user = {"client-certificate-data": packed("CRT"), "client-key-data": packed("KEY"), "username": "n"}
    found = read(tmp_path, cluster=cluster, user=user)
    assert found.tls == TLSSettings(ca_pem="CA", cert_pem="CRT", key_pem=Secret("KEY"))
    assert found.basic == BasicAuth("n", Secret(""))


def test_over_plain_http_nothing_secret_is_sent(tmp_path: Path) -> None:
    for server in ("http://k:1", "k:1"):
        found = read(tmp_path, cluster={"server": server}, user={"token": "t", "as": "a"})
        assert (found.server, found.token, found.headers) == ("http://k:1", None, ())
    skipping = {"server": "k:1", "insecure-skip-tls-verify": True}
    assert read(tmp_path, cluster=skipping).server == "https://k:1"


def test_another_user_can_be_acted_for(tmp_path: Path) -> None:
    user = {"token": "t", "as": "a", "as-uid": "1", "as-groups": ["g", "h"], "as-user-extra": {"k": ["v"]}}
    assert read(tmp_path, user=user).headers == (
        ("Impersonate-User", ("a",)),
        ("Impersonate-Uid", ("1",)),
        ("Impersonate-Group", ("g", "h")),
        ("Impersonate-Extra-k", ("v",)),
    )


def test_a_context_without_a_user(tmp_path: Path) -> None:
    found = read(tmp_path, users=None)
    assert (found.token, found.basic, found.exec) == (None, None, None)


ABSENT = "no such file or directory"
PROXY = (
    'invalid \'proxy-url\' "ftp://x" for cluster "c": '
    'unsupported scheme "ftp", must be http, https, or socks5'
)
NO_KEY = (
    "[client-key-data or client-key must be specified for u to use the clientCert authentication "
    f"method., unable to read client-cert /nope/c for u due to open /nope/c: {ABSENT}]"
)
NOTHING = "no configuration has been provided, try setting KUBERNETES_MASTER environment variable"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"current-context": ""}, NOTHING),
        ({"clusters": []}, NOTHING),
        (
            {"current-context": "nope"},
            "[context was not found for specified context: nope, cluster has no server defined]",
        ),
        ({"cluster": {}}, 'no server found for cluster "c"'),
        (
            {"cluster": {"server": SERVER, "certificate-authority": "/nope/ca"}},
            f"unable to read certificate-authority /nope/ca for c due to open /nope/ca: {ABSENT}",
        ),
        (
            {"cluster": {"server": SERVER, "proxy-url": "ftp://x"}},
            PROXY,
        ),
        (
            {"user": {"client-certificate": "/nope/c"}},
            NO_KEY,
        ),
        (
            {"user": {"token": "t", "username": "a", "password": "b"}},
            "more than one authentication method found for u; found [token basicAuth], only one is allowed",
        ),
        ({"user": {"tokenFile": "/nope/t"}}, "open /nope/t: no such file or directory"),
        (
            {"user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}}},
            "command must be specified for u to use exec authentication plugin",
        ),
        (
            {"user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "x"}}},
            "interactiveMode must be specified for u to use exec authentication plugin",
        ),
        ({"user": {"auth-provider": {"name": "gcp"}}}, "The gcp auth plugin has been removed."),
        ({"user": {"auth-provider": {"name": "foo"}}}, 'no Auth Provider found for name "foo"'),
        (
            {"cluster": {"server": SERVER, "certificate-authority-data": "ab!!"}},
            'error loading config file "DIR/kc": illegal base64 data at input byte 2',
        ),
        ({"kind": "Pod"}, 'error loading config file "DIR/kc": no kind "Pod" is registered for version "v1"'),
        ({"clusters": 5}, 'error loading config file "DIR/kc": clusters is not a list'),
    ],
)  # fmt: skip
def test_what_cannot_be_used(given: dict[str, Any], text: str, tmp_path: Path) -> None:
    assert fault(tmp_path, **given) == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("}{", 'error loading config file "DIR/kc": yaml: did not find expected node content'),
        ("- a", 'error loading config file "DIR/kc": couldn\'t get version/kind: it is not a mapping'),
        ("", f"invalid configuration: {NOTHING}"),
        (None, "stat DIR/kc: no such file or directory"),
    ],
)
def test_what_is_no_kubeconfig(content: str | None, text: str, tmp_path: Path) -> None:
    path = tmp_path / "kc"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KubeconfigError) as caught:
        read_kubeconfig(str(path))
    assert str(caught.value).replace(str(tmp_path), "DIR") == text
