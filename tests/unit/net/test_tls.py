"""TLS settings become contexts, and what is wrong with them is said in Alloy's words."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
import trustme

from alloypy.lang.values import Secret
from alloypy.net.sending import NotSent
from alloypy.net.tls import TLS, VERSIONS, TLSSettings

AUTHORITY = trustme.CA()
IDENTITY = AUTHORITY.issue_cert("client@example.org")
CA = AUTHORITY.cert_pem.bytes().decode()
CERT = IDENTITY.cert_chain_pems[0].bytes().decode()
KEY = IDENTITY.private_key_pem.bytes().decode()


def fault(**settings: str | Secret) -> str:
    with pytest.raises(NotSent) as caught:
        TLS(TLSSettings(**settings)).context()  # type: ignore[arg-type]
    return str(caught.value)


def test_the_defaults_check_everything() -> None:
    context = TLS(TLSSettings()).context()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2 or context.minimum_version < 0


def test_the_context_is_made_once() -> None:
    tls = TLS(TLSSettings(ca_pem=CA))
    assert tls.context() is tls.context()


def test_a_check_makes_no_context_where_nothing_can_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    tls = TLS(TLSSettings(insecure_skip_verify=True, server_name="n"))
    with monkeypatch.context() as patched:
        patched.setattr(ssl, "SSLContext", None)
        tls.check()
    assert tls.context() is tls.context()


@pytest.mark.parametrize("name", ["ca_pem", "ca_file", "cert_pem", "cert_file", "key_file"])
def test_a_check_finds_what_cannot_be_used(name: str) -> None:
    with pytest.raises(NotSent):
        TLS(TLSSettings(**{name: "zzz"})).check()  # type: ignore[arg-type]


def test_only_the_given_authorities_are_trusted() -> None:
    assert TLS(TLSSettings(ca_pem=CA)).context().cert_store_stats()["x509_ca"] == 1
    broken = CA.replace("MII", "XXX", 1)
    assert TLS(TLSSettings(ca_pem=broken + CA)).context().cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("name", VERSIONS)
def test_versions(name: str) -> None:
    assert TLS(TLSSettings(min_version=name)).context().minimum_version == VERSIONS[name]


def test_unverified() -> None:
    context = TLS(TLSSettings(insecure_skip_verify=True)).context()
    assert not context.check_hostname
    assert context.verify_mode == ssl.CERT_NONE


def test_unusable_authorities(tmp_path: Path) -> None:
    assert fault(ca_pem="zzz") == "unable to use specified CA cert inline"
    path = tmp_path / "ca.pem"
    path.write_text(CA.replace("MII", "XXX", 1))
    assert fault(ca_file=str(path)) == f"unable to use specified CA cert file {path}"
    path.unlink()
    missing = f"unable to read file {path}: open {path}: no such file or directory"
    assert fault(ca_file=str(path)) == f"unable to read CA cert: {missing}"
    assert (
        fault(cert_file=str(path), key_pem=Secret(KEY)) == f"unable to read specified client cert: {missing}"
    )
    assert fault(key_file=str(path), cert_pem=CERT) == f"unable to read specified client key: {missing}"


def test_unusable_identities() -> None:
    start = "unable to use specified client cert (inline) & key (inline): tls: "
    assert fault(cert_pem="x", key_pem=Secret(KEY)) == (
        start + "failed to find any PEM data in certificate input"
    )
    assert fault(cert_pem=CERT, key_pem=Secret("x")) == start + "failed to find any PEM data in key input"
    other = trustme.CA().issue_cert("x@example.org").private_key_pem.bytes().decode()
    assert fault(cert_pem=CERT, key_pem=Secret(other)) == start + "private key does not match public key"
    garbled = KEY.replace("MH", "xx", 1).replace("MI", "xx", 1)
    text = fault(cert_pem=CERT, key_pem=Secret(garbled))
    assert text == start + "failed to parse private key"
    assert garbled[40:60] not in text


def test_identities_leave_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    TLS(TLSSettings(cert_pem=CERT, key_pem=Secret(KEY))).context()
    assert list(tmp_path.iterdir()) == []


def test_changed_files_make_a_new_context(tmp_path: Path) -> None:
    files = {"ca_file": CA, "cert_file": CERT, "key_file": KEY}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    tls = TLS(TLSSettings(**{name: str(tmp_path / name) for name in files}))
    first = tls.context()
    assert tls.context() is first
    (tmp_path / "ca_file").write_text(CA + trustme.CA().cert_pem.bytes().decode())
    second = tls.context()
    assert second is not first
    assert second.cert_store_stats()["x509_ca"] == 2
    (tmp_path / "ca_file").write_text("broken")
    with pytest.raises(NotSent, match="unable to use specified CA cert file"):
        tls.context()
    (tmp_path / "ca_file").write_text(CA)
    assert tls.context().cert_store_stats()["x509_ca"] == 1
