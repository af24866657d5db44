"""The admin server over real sockets: TLS that is added, changed and removed, and credentials."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import trustme

from tests.support.running import Running
from tests.support.tls import trusting

TLS = 'http {\n  tls {\n    cert_file = "cert.pem"\n    key_file  = "key.pem"\n%s  }\n}\n'
PLAIN = "http { }\n"


def issue(authority: trustme.CA, folder: Path) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))


def ready(running: Running, context: ssl.SSLContext) -> int:
    with urllib.request.urlopen(f"https://{running.address}/-/ready", timeout=30, context=context) as answer:
        return int(answer.status)


def start(folder: Path, text: str) -> Running:
    (folder / "config.alloy").write_text(text)
    return Running(["config.alloy"], folder).wait_until_listening()


def reload(running: Running, text: str, folder: Path, context: ssl.SSLContext | None = None) -> str:
    (folder / "config.alloy").write_text(text)
    scheme = "https" if context else "http"
    request = urllib.request.Request(f"{scheme}://{running.address}/-/reload", method="POST")
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:
        body: bytes = answer.read()
    return body.decode()


def ready_in_time(running: Running, context: ssl.SSLContext) -> int:
    """The same, once the files have been checked again."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return ready(running, context)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_tls_comes_and_goes_with_reloads(tmp_path: Path) -> None:
    authority = trustme.CA()
    issue(authority, tmp_path)
    context = trusting(authority)
    with start(tmp_path, PLAIN) as running:
        assert reload(running, TLS % "", tmp_path) == "config reloaded\n"
        assert ready(running, context) == 200
        plain = running.get("/-/ready")
        assert (plain.status, plain.text) == (400, "Client sent an HTTP request to an HTTPS server.\n")
        assert reload(running, PLAIN, tmp_path, context) == "config reloaded\n"
        assert running.get("/-/ready").status == 200
        assert running.stop() == 0


def test_a_renewed_certificate_needs_no_reload(tmp_path: Path) -> None:
    first, second = trustme.CA(), trustme.CA()
    issue(first, tmp_path)
    with start(tmp_path, TLS % "") as running:
        assert ready(running, trusting(first)) == 200
        issue(second, tmp_path)
        assert ready_in_time(running, trusting(second)) == 200
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            ready(running, trusting(first))
        assert running.stop() == 0


def test_files_that_come_later_are_served_when_they_are_there(tmp_path: Path) -> None:
    authority = trustme.CA()
    with start(tmp_path, TLS % "") as running:
        assert running.get("/-/ready").status == 400
        with pytest.raises(OSError):
            ready(running, trusting(authority))
        running.wait_for_log('level=error msg="the TLS settings of the HTTP server cannot be used"')
        issue(authority, tmp_path)
        assert ready(running, trusting(authority)) == 200
        assert running.stop() == 0


def test_clients_may_have_to_show_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    issue(authority, tmp_path)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client_auth = '    client_ca_file = "ca.pem"\n    client_auth_type = "RequireAndVerifyClientCert"\n'
    with start(tmp_path, TLS % client_auth) as running:
        context = trusting(authority)
        with pytest.raises(OSError):
            ready(running, context)
        authority.issue_cert("client@example.org").configure_cert(context)
        assert ready(running, context) == 200
        assert running.stop() == 0


def test_a_missing_client_ca_refuses_the_configuration(tmp_path: Path) -> None:
    issue(trustme.CA(), tmp_path)
    client_auth = '    client_ca_file = "absent.pem"\n    client_auth_type = "RequireAndVerifyClientCert"\n'
    with start(tmp_path, PLAIN) as running:
        (tmp_path / "config.alloy").write_text(TLS % client_auth)
        reply = running.get("/-/reload")
        assert reply.status == 400
        assert "failed to read client_ca_file: open absent.pem: no such file or directory" in reply.text
        assert running.get("/-/ready").status == 200
        assert running.stop() == 0


def test_without_credentials_other_interfaces_are_worth_a_warning(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(PLAIN)
    with Running(["--server.http.listen-addr=0.0.0.0:0", "config.alloy"], tmp_path) as running:
        line = running.wait_for_log("listens on more than the loopback interface")
        assert " level=warn " in line
        assert running.stop() == 0


def test_json_lines_name_the_service(tmp_path: Path) -> None:
    with start(tmp_path, 'logging {\n  format = "json"\n}\n') as running:
        record = json.loads(running.wait_for_log("now listening for http traffic"))
        assert (record["service"], record["addr"]) == ("http", running.address)
        assert running.stop() == 0
