"""TLS settings become contexts, and what is wrong with them is said in Alloy's words."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.lang.values import Secret
from alloypy.net.client.messages import NotSent
from alloypy.net.client.tls import TLS, VERSIONS, TLSSettings

pytestmark = pytest.mark.anyio

AUTHORITY = trustme.CA()
IDENTITY = AUTHORITY.issue_cert("client@example.org")
CA = AUTHORITY.cert_pem.bytes().decode()
CERT = IDENTITY.cert_chain_pems[0].bytes().decode()
KEY = IDENTITY.private_key_pem.bytes().decode()


async def fault(**settings: str | Secret) -> str:
    with pytest.raises(NotSent) as caught:
        await TLS(TLSSettings(**settings)).context()  # type: ignore[arg-type]
    return str(caught.value)


async def test_the_defaults_check_everything() -> None:
    context = await TLS(TLSSettings()).context()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2 or context.minimum_version < 0


async def test_the_context_is_made_once() -> None:
    tls = TLS(TLSSettings(ca_pem=CA))
    assert await tls.context() is await tls.context()


async def test_a_check_makes_no_context_where_nothing_can_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    tls = TLS(TLSSettings(insecure_skip_verify=True, server_name="n"))
    with monkeypatch.context() as patched:
        patched.setattr(ssl, "SSLContext", None)
        await tls.check()
    assert await tls.context() is await tls.context()


@pytest.mark.parametrize("name", ["ca_pem", "ca_file", "cert_pem", "cert_file", "key_file"])
async def test_a_check_finds_what_cannot_be_used(name: str) -> None:
    with pytest.raises(NotSent):
        await TLS(TLSSettings(**{name: "zzz"})).check()  # type: ignore[arg-type]


async def test_only_the_given_authorities_are_trusted() -> None:
    assert (await TLS(TLSSettings(ca_pem=CA)).context()).cert_store_stats()["x509_ca"] == 1
    broken = CA.replace("MII", "XXX", 1)
    assert (await TLS(TLSSettings(ca_pem=broken + CA)).context()).cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("name", VERSIONS)
async def test_versions(name: str) -> None:
    assert (await TLS(TLSSettings(min_version=name)).context()).minimum_version == VERSIONS[name]


async def test_unverified() -> None:
    context = await TLS(TLSSettings(insecure_skip_verify=True)).context()
    assert not context.check_hostname
    assert context.verify_mode == ssl.CERT_NONE


async def test_unusable_authorities(tmp_path: Path) -> None:
    assert await fault(ca_pem="zzz") == "unable to use specified CA cert inline"
    path = tmp_path / "ca.pem"
    path.write_text(CA.replace("MII", "XXX", 1))
    assert await fault(ca_file=str(path)) == f"unable to use specified CA cert file {path}"
    path.unlink()
    missing = f"unable to read file {path}: open {path}: no such file or directory"
    assert await fault(ca_file=str(path)) == f"unable to read CA cert: {missing}"
    text = await fault(cert_file=str(path), key_pem=Secret(KEY))
    assert text == f"unable to read specified client cert: {missing}"
    assert await fault(key_file=str(path), cert_pem=CERT) == f"unable to read specified client key: {missing}"


async def test_unusable_identities() -> None:
    start = "unable to use specified client cert (inline) & key (inline): tls: "
    text = await fault(cert_pem="x", key_pem=Secret(KEY))
    assert text == start + "failed to find any PEM data in certificate input"
    text = await fault(cert_pem=CERT, key_pem=Secret("x"))
    assert text == start + "failed to find any PEM data in key input"
    other = trustme.CA().issue_cert("x@example.org").private_key_pem.bytes().decode()
    text = await fault(cert_pem=CERT, key_pem=Secret(other))
    assert text == start + "private key does not match public key"
    garbled = KEY.replace("MH", "xx", 1).replace("MI", "xx", 1)
    text = await fault(cert_pem=CERT, key_pem=Secret(garbled))
    assert text == start + "failed to parse private key"
    assert garbled[40:60] not in text


async def test_identities_leave_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    await TLS(TLSSettings(cert_pem=CERT, key_pem=Secret(KEY))).context()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("watchful")
async def test_changed_files_make_a_new_context(tmp_path: Path) -> None:
    files = {"ca_file": CA, "cert_file": CERT, "key_file": KEY}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    paths: dict[str, Any] = {name: str(tmp_path / name) for name in files}
    tls = TLS(TLSSettings(**paths))
    first = await tls.context()
    assert await tls.context() is first
    (tmp_path / "ca_file").write_text(CA + trustme.CA().cert_pem.bytes().decode())
    second = await tls.context()
    assert second is not first
    assert second.cert_store_stats()["x509_ca"] == 2
    (tmp_path / "ca_file").write_text(CA)
    assert (await tls.context()).cert_store_stats()["x509_ca"] == 1


@pytest.mark.usefixtures("watchful")
@pytest.mark.parametrize("change", [lambda path: path.write_text("broken"), Path.unlink])
async def test_a_change_for_the_worse_leaves_the_context_in_use_and_is_reported_once(
    change: Callable[[Path], object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ca_file"
    path.write_text(CA)
    tls = TLS(TLSSettings(ca_file=str(path)))
    first = await tls.context()
    change(path)
    for _ in range(3):
        assert await tls.context() is first
    assert str(path) in tls.problem
    with caplog.at_level(logging.INFO, "alloypy"):
        path.write_text(CA)
        assert await tls.context() is first
    assert tls.problem == ""
    assert [record.message for record in caplog.records] == [
        "changed TLS files cannot be used; the previous ones stay in use",
        "the TLS files can be used again",
    ]
