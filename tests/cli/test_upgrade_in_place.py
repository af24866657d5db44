"""A running process no longer needs its installation, which may be replaced.

The process runs from a copy that is deleted once everything has been loaded. From then on it must
open no module and import nothing, whatever it is asked to do.
"""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import signal
import socket
import ssl
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import trustme

from tests.support.push_messages import protobuf_of
from tests.support.receiving import PUSH
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port

ROOT = Path(__file__).parents[2]
LOADED = "all modules that are needed later have been loaded"
KEPT = ("IMPORTED alloypy.services.web", "IMPORTED alloypy.drawing")
"""Packages that are imported from memory."""
PAGES = ("/", "/component/pyroscope.write.w", "/modules", "/graph", "/config", "/about", "/live", "/flame")
PROGRAM = """
import os, sys
def noticed(event, arguments):
    if event == "import":
        os.write(2, b"IMPORTED %s\\n" % str(arguments[0]).encode())
    elif event == "open" and str(arguments[0]).endswith((".py", ".pyc", ".so")):
        os.write(2, b"OPENED %s\\n" % str(arguments[0]).encode())
sys.addaudithook(noticed)
from alloypy.cli.main import entry_point
entry_point()
"""
PLAIN = """
logging {
  level = "debug"
}
pyroscope.receive_http "plain" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = PLAIN_PORT
  }
  forward_to = [pyroscope.write.w.receiver]
}
pyroscope.write "w" {
  endpoint {
    url                 = "http://BACKEND"
    max_backoff_retries = 1
    min_backoff_period  = "10ms"
    remote_timeout      = "2s"
  }
}
"""
MORE = """
local.file "password" {
  filename = "password"
}
declare "outer" {
  argument "next" { }
  pyroscope.relabel "r" {
    forward_to = [argument.next.value]
    rule {
      source_labels = ["service_name"]
      target_label  = "copy"
      action        = "hashmod"
      modulus       = 7
    }
  }
  export "receiver" {
    value = pyroscope.relabel.r.receiver
  }
}
import.string "imported" {
  content = `declare "inner" { export "value" { value = 7 } }`
}
imported.inner "i" { }
foreach "each" {
  collection = encoding.from_yaml("[a, b]")
  var        = "item"
  template {
    pyroscope.relabel "r" {
      forward_to = []
      rule {
        target_label = item
        replacement  = string.format("%s-%d", item, json_path(`{"a": [1]}`, "$.a[?(@ > 0)]")[0])
      }
    }
  }
}
outer "o" {
  next = pyroscope.write.secure.receiver
}
pyroscope.write "secure" {
  endpoint {
    url                 = "http://BACKEND"
    max_backoff_retries = 1
    basic_auth {
      username      = "u"
      password_file = "password"
    }
  }
}
pyroscope.receive_http "tls" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = TLS_PORT
    tls {
      cert_file = "cert.pem"
      key_file  = "key.pem"
    }
  }
  forward_to = [outer.o.receiver]
}
"""


class Clients:
    """Sends requests to one port, each over its own connection."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.tls = tls

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        connection = (
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            if self.tls is None
            else http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.tls)
        )
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, names)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


def profiles(clients: Clients) -> list[int]:
    """Statuses of good and bad profiles in every form."""
    message = protobuf_of([([("__name__", "cpu"), ("service_name", "s")], [(b"profile", "")])])
    series = [{"name": "__name__", "value": "cpu"}, {"name": "service_name", "value": "s"}]
    sample = [{"rawProfile": base64.b64encode(b"profile").decode()}]
    as_json = json.dumps({"series": [{"labels": series, "samples": sample}]}).encode()
    proto, text = "application/proto", "application/json"
    asked = [
        clients.ask("POST", "/ingest?name=a", b"profile"),
        clients.ask("POST", PUSH, message.SerializeToString(), Content_Type=proto),
        clients.ask("POST", PUSH, b"\xff\xff", Content_Type=proto),
        clients.ask("POST", PUSH, as_json, Content_Type=text),
        clients.ask("POST", PUSH, b'{"series": 1e400}', Content_Type=text),
        clients.ask("POST", PUSH, b"", Content_Type="text/plain"),
        clients.ask("POST", PUSH, b"no gzip", Content_Type=proto, Content_Encoding="gzip"),
        clients.ask("GET", "/nothing"),
        clients.ask("POST", "/debuginfo.v1alpha1.DebuginfoService/UploadFinished", b"{}", Content_Type=text),
    ]
    with socket.create_connection(("127.0.0.1", clients.port)) as client:
        client.sendall(b"nonsense\r\n\r\n")
        client.recv(100)
    return [status for status, _ in asked]


def admin(running: Running) -> None:
    """Everything the admin server offers."""
    assert running.get("/-/ready").status == running.get("/-/healthy").status == 200
    assert "pyroscope_write_sent_profiles_total" in running.get("/metrics").text
    components = running.json("/api/v0/web/components")
    for each in components:
        assert running.get(f"/api/v0/web/components/{each['localID']}").status == 200
    for page in PAGES:
        assert running.get(page).status == 200, page
    for path in ("/api/v0/web/peers", "/nothing", "/api/v0/web/debug/x", "/api/v0/component/x"):
        running.get(path)
    host, _, port = running.address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", "/-/support?duration=1")
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, late(running.log)
    assert zipfile.ZipFile(BytesIO(content)).namelist()
    connection.close()


def late(log: list[str]) -> list[str]:
    """What has been imported or opened, newest first."""
    found = [line for line in reversed(log) if line.startswith(("IMPORTED", "OPENED"))]
    return [line for line in found if not line.startswith(KEPT)][:20]


@pytest.mark.skipif(sys.platform == "win32", reason="files in use cannot be deleted there")
def test_a_process_outlives_its_installation(tmp_path: Path) -> None:
    home, work = tmp_path / "installed", tmp_path / "work"
    work.mkdir()
    shutil.copytree(ROOT / "alloypy", home / "alloypy")
    shutil.copytree(ROOT / "grammar", home / "grammar")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(work / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(work / "cert.pem")
    (work / "password").write_text("p")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    ports = {"PLAIN_PORT": str(free_port()), "TLS_PORT": str(free_port())}
    with Recorder() as backend:
        ports["BACKEND"] = backend.address

        def configure(text: str) -> None:
            for name, value in ports.items():
                text = text.replace(name, value)
            (work / "config.alloy").write_text(text)

        configure(PLAIN)
        arguments = ["--stability.level=experimental", "config.alloy"]
        command = (sys.executable, "-c", PROGRAM)
        with Running(arguments, work, {"PYTHONPATH": str(home)}, command, checkout=False) as running:
            running.wait_for_log(LOADED)
            shutil.rmtree(home)
            start = len(running.log)
            plain = Clients(int(ports["PLAIN_PORT"]))
            expected = [200, 200, 400, 200, 400, 415, 400, 404, 200]
            answers = profiles(plain)
            admin(running)
            configure(PLAIN + MORE)
            assert running.get("/-/reload").text == "config reloaded\n"
            secure = profiles(Clients(int(ports["TLS_PORT"]), context))
            admin(running)
            configure("a = b(\n")
            assert running.get("/-/reload").status == 400
            ports["BACKEND"] = "127.0.0.1:9"
            configure(PLAIN + MORE)
            mark = len(running.log)
            running.process.send_signal(signal.SIGHUP)
            running.wait_for_log("config reloaded", mark)
            failed = profiles(plain)
            end = len(running.log)
            configure('discovery.process "p" { }\n')
            refused = running.get("/-/reload")
            assert running.stop() == 0
        assert answers == expected
        assert secure == expected
        assert failed[0] >= 400
        assert len(backend.requests) == 8
    assert late(running.log[start:end]) == []
    assert refused.status == 400
    assert "alloypy cannot load a part of itself: No module named 'alloypy.components" in refused.text
    assert "if it has been upgraded or removed since it started, restart it" in refused.text
    assert " traceback=" not in running.text


QUEUE = """
logging {
  level = "debug"
}
alloypy.queue "q" {
  forward_to = [pyroscope.write.w.receiver]
  disk {
    min_free = "0"
  }
}
pyroscope.write "w" {
  endpoint {
    url = "http://127.0.0.1:9"
  }
}
"""
MORE_AFTER_UPGRADE = {
    "alloypy.components.own.delivering.on_kafka": QUEUE.replace(
        'min_free = "0"', 'brokers = ["127.0.0.1:9"]'
    ).replace("disk {", "kafka {"),
    "alloypy.components.discovery.process": QUEUE + 'discovery.process "p" { }\n',
}


@pytest.mark.skipif(sys.platform == "win32", reason="files in use cannot be replaced there")
def test_a_process_loads_nothing_of_another_version(tmp_path: Path) -> None:
    home, work = tmp_path / "installed", tmp_path / "work"
    work.mkdir()
    shutil.copytree(ROOT / "alloypy", home / "alloypy")
    shutil.copytree(ROOT / "grammar", home / "grammar")
    (work / "config.alloy").write_text(QUEUE)
    arguments = ["--stability.level=experimental", "--storage.path=data", "config.alloy"]
    command = (sys.executable, "-c", "from alloypy.cli.main import entry_point; entry_point()")
    with Running(arguments, work, {"PYTHONPATH": str(home)}, command, checkout=False) as running:
        running.wait_for_log(LOADED)
        for name in ("__init__.py", "streaming/settings.py"):
            upgraded = home / "alloypy" / name
            content = upgraded.read_text("utf-8")
            upgraded.unlink()
            upgraded.write_text(
                content.replace("class Place(NamedTuple)", "class Places(NamedTuple)"), "utf-8"
            )
        for module, text in MORE_AFTER_UPGRADE.items():
            (work / "config.alloy").write_text(text)
            refused = running.get("/-/reload")
            assert refused.status == 400
            assert f"alloypy cannot load a part of itself: {module} is of another version" in refused.text
            assert "if it has been upgraded or removed since it started, restart it" in refused.text
        (work / "config.alloy").write_text(QUEUE + 'pyroscope.relabel "r" {\n  forward_to = []\n}\n')
        assert running.get("/-/reload").text == "config reloaded\n"
        assert running.stop() == 0
    assert " traceback=" not in running.text
