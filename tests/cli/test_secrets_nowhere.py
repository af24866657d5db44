"""Secrets everywhere a configuration, the environment and the flags can contain one; none is shown."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from alloypy.cli.main import main
from tests.support.running import Running, alloypy, free_port, of_checkout

ROOT = Path(__file__).parents[2]
MARK = re.compile(r"hush[0-9]{2,3}z|4711471147")


class Places:
    """Makes a different secret for each place."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"hush{self.count:02}z"


m = Places()

GOOD = f"""
// password = "{m()}"
logging {{ level = "debug" }}
tracing {{ sampling_fraction = 1 }}
http {{
  auth {{
    basic {{
      username = "admin"
      password = "{m()}"
    }}
    filter {{
      paths                       = ["/guarded"]
      authenticate_matching_paths = true
    }}
  }}
}}
pyroscope.receive_http "r" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = PORT
  }}
  forward_to = [pyroscope.write.w.receiver, pyroscope.write.more.receiver]
}}
local.file "secret" {{
  filename  = "secret.txt"
  is_secret = true
}}
pyroscope.write "w" {{
  endpoint {{
    name                 = "first"
    url                  = "http://me:{m()}@127.0.0.1:1/path?token={m()}&tenant=one"
    headers              = {{
      "Authorization" = "Bearer {m()}",
      "X-Api-Key"     = "{m()}",
      "Cookie"        = "id={m()}",
      "X-Key"         = "{m()}",
      "X-Own"         = "Bearer {m()}",
      "X-Scope-OrgID" = "readable-tenant",
    }}
    http_headers         = {{ "X-Any" = ["{m()}", "{m()}"] }}
    proxy_url            = "http://me:{m()}@127.0.0.1:1"
    proxy_connect_header = {{ "X-Any" = ["{m()}"] }}
    max_backoff_retries  = 1
    remote_timeout       = "1s"
  }}
  endpoint {{
    url = "http://127.0.0.1:1"
    basic_auth {{
      username = "readable-user"
      password = "{m()}"
    }}
    max_backoff_retries = 1
  }}
  endpoint {{
    url          = "http://127.0.0.1:1"
    bearer_token = "{m()}" + "{m()}"
    max_backoff_retries = 1
  }}
  endpoint {{
    url = "http://127.0.0.1:1"
    authorization {{
      type        = "Key"
      credentials = string.format("%s-%s", "{m()}", local.file.secret.content)
    }}
    max_backoff_retries = 1
  }}
}}
pyroscope.write "more" {{
  endpoint {{
    url = "http://127.0.0.1:1"
    oauth2 {{
      client_id            = "readable-client"
      client_secret        = "{m()}"
      token_url            = "http://me:{m()}@127.0.0.1:1/token"
      endpoint_params      = {{ "assertion" = "{m()}", "key" = "{m()}", "audience" = "readable-audience" }}
      proxy_url            = "http://me:{m()}@127.0.0.1:1"
      proxy_connect_header = {{ "X-Any" = ["{m()}"] }}
    }}
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = "http://me:" + "{m()}" + "@127.0.0.1:1"
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = string.format("http://%s:%s@127.0.0.1:1", "me", "{m()}")
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = string.join(["http://me:{m()}", "127.0.0.1:1"], "@")
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = "http://me:{m()}@{m()}\\"{m()}@127.0.0.1:1"
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = "me:{m()}@127.0.0.1:1"
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = "http://{m()}@127.0.0.1:1"
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = sys.env("READABLE_URL")
    bearer_token        = sys.env("READABLE_NAME")
    max_backoff_retries = 1
  }}
  endpoint {{
    url                 = "http://me:{m()}/{m()}@127.0.0.1:1"
    max_backoff_retries = 1
  }}
}}
declare "sink" {{
  argument "password" {{ default = "{m()}" }}
  argument "api_token" {{
    optional = true
    default  = "{m()}"
  }}
  argument "settings" {{ optional = true }}
  argument "database" {{ optional = true }}
  argument "env" {{ optional = true }}
  argument "yaml" {{ optional = true }}
  argument "pin_password" {{ optional = true }}
  argument "proxy" {{ optional = true }}
  pyroscope.write "inner" {{
    endpoint {{
      url = "http://127.0.0.1:1"
      basic_auth {{
        username = "u"
        password = argument.password.value
      }}
    }}
  }}
  export "receiver" {{ value = pyroscope.write.inner.receiver }}
  export "token" {{ value = "{m()}" }}
}}
sink "a" {{
  password     = "{m()}"
  settings     = {{ secret = "{m()}", deep = {{ pwd = ["{m()}"] }}, user = "readable-setting" }}
  database     = "postgres://me:{m()}@h/db?password={m()}"
  env          = [{{ name = "TOKEN", value = "{m()}" }}]
  yaml         = `user: me
password: {m()} {m()}
key: readable-key`
  pin_password = 4711471147
  proxy        = "me:{m()}@127.0.0.1:1"
}}
foreach "several" {{
  collection = [{{ password = "{m()}", name = "readable-item" }}]
  var        = "each"
  template {{
    pyroscope.write "w" {{
      endpoint {{
        url          = "http://127.0.0.1:1"
        bearer_token = each.password
      }}
    }}
  }}
}}
foreach "urls" {{
  collection = ["http://me:{m()}@127.0.0.1:1"]
  var        = "url"
  template {{
    pyroscope.write "w" {{ endpoint {{ url = url }} }}
  }}
}}
foreach "tokens" {{
  collection = ["{m()}"]
  var        = "token"
  template {{
    pyroscope.write "w" {{
      endpoint {{
        url          = "http://127.0.0.1:1"
        bearer_token = token
      }}
    }}
  }}
}}
import.string "module" {{
  content = `declare "d" {{
    argument "password" {{ default = "{m()}" }}
    pyroscope.write "w" {{
      endpoint {{
        url = "http://me:{m()}@127.0.0.1:1"
      }}
    }}
  }}`
}}
module.d "one" {{
  password = "{m()}"
}}
"""

VARIABLES = {
    "HTTP_PROXY": f"me:{m()}@127.0.0.1:1",
    "https_proxy": f"http://me:{m()}@{m()}@127.0.0.1:1",
    "READABLE_URL": f"http://me:{m()}@127.0.0.1:1",
    "READABLE_NAME": m(),
    "NO_PROXY": "127.0.0.1",
}
FLAGS = [
    f"--cluster.join-addresses=http://me:{m()}@h",
    f"--config.extra-args=--token={m()}",
]
FILE = m()

WRONG = {
    "wrong kinds": f"""pyroscope.write "w" {{
  endpoint {{
    url      = "http://127.0.0.1:1"
    http_headers = {{ "X-Any" = "{m()}" }}
    headers = {{ "Authorization" = ["{m()}"] }}
    basic_auth {{
      username = "u"
      password = ["{m()}"]
    }}
  }}
}}
""",
    "a wrong name": f"""pyroscope.write "w" {{
  endpoint {{
    url     = "http://127.0.0.1:1"
    pasword = "{m()}"
    bearer_token = sys.env("READABLE_NAME")
    basic_auth {{
      password = "{m()}"
      password_file = 1
    }}
  }}
}}
""",
    "a wrong URL": f"""pyroscope.write "w" {{
  endpoint {{
    url       = "http://127.0.0.1:1"
    proxy_url = "http://me:{m()}/{m()}@h"
  }}
}}
""",
    "a wrong URL of the environment": """pyroscope.write "w" {
  endpoint {
    url       = "http://127.0.0.1:1"
    proxy_url = sys.env("READABLE_URL") + ":x"
  }
}
""",
    "no URL": """pyroscope.write "w" {
  endpoint {
    url  = sys.env("HTTP_PROXY")
    nope = 1
  }
}
""",
    "wrong operands": f"""pyroscope.write "w" {{
  endpoint {{
    url          = "http://127.0.0.1:1"
    bearer_token = {{ a = "{m()}" }} + 1
  }}
}}
""",
    "arguments": f"""declare "d" {{
  argument "password" {{ }}
  pyroscope.write "w" {{
    endpoint {{
      url          = "http://127.0.0.1:1"
      bearer_token = [argument.password.value]
    }}
  }}
}}
d "x" {{
  password = "{m()}"
}}
d "y" {{
  password = "{m()}".nothing
}}
""",
    "a wrong import": f"""import.http "m" {{
  url     = "http://me:{m()}@127.0.0.1:1/?token={m()}"
  headers = {{ "Authorization" = "{m()}" }}
  client {{
    bearer_token = "{m()}"
  }}
}}
""",
    "a wrong module": f"""import.string "m" {{
  content = `declare "d" {{
    password = "{m()}
  }}`
}}
pyroscope.write "w" {{ nope = 1 }}
""",
    "broken text": f"""pyroscope.write "w" {{
  endpoint {{
    url = "http://me:{m()}@127.0.0.1:1"
    password = "{m()}"{m()}"
    bearer_token = {m()}!{m()}
    headers = {{ "X-Key" = "{m()}", }}
    x =
  }}
}}
""",
}


def unseen(text: str) -> None:
    assert [text[max(at.start() - 60, 0) : at.end() + 20] for at in MARK.finditer(text)] == []


def everything(running: Running) -> Iterator[str]:
    """Everything the admin server says about what runs."""
    for path in ("/-/ready", "/-/healthy", "/metrics", "/api/v0/web/peers"):
        yield running.get(path).text
    waiting = [""]
    while waiting:
        module = waiting.pop()
        prefix = f"/api/v0/web/modules/{module}/components" if module else "/api/v0/web/components"
        for entry in running.json(prefix):
            place = f"{entry['moduleID']}/{entry['localID']}".lstrip("/")
            detail = running.json(f"/api/v0/web/components/{place}")
            waiting += entry.get("createdModuleIDs", [])
            yield json.dumps(detail)


def bundle(running: Running) -> Iterator[str]:
    with urllib.request.urlopen(f"http://{running.address}/-/support?duration=1", timeout=60) as answer:
        content = io.BytesIO(answer.read())
    with zipfile.ZipFile(content) as archive:
        for name in archive.namelist():
            yield f"{name}\n{archive.read(name).decode()}"


class Collector(BaseHTTPRequestHandler):
    """Takes the traces."""

    seen: bytes = b""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        Collector.seen += self.rfile.read(length)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def traces() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_places_are_many() -> None:
    assert m.count >= 60


def test_a_running_process_shows_none(tmp_path: Path, traces: int) -> None:
    port = free_port()
    path = tmp_path / "config.alloy"
    path.write_text(GOOD.replace("PORT", str(port)))
    (tmp_path / "secret.txt").write_text(FILE)
    env = VARIABLES | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{traces}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    arguments = ["--stability.level=experimental", *FLAGS, str(path)]
    with Running(arguments, tmp_path, env) as running:
        running.wait_until_ready()
        send(port)
        seen = [*everything(running), *bundle(running)]
        seen.append(running.get("/-/reload").text)
        for content in WRONG.values():
            path.write_text(content)
            reply = running.get("/-/reload")
            assert reply.status == 400, content
            seen.append(reply.text)
        before = len(running.log)
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_log("failed to reload config", after=before)
        seen += everything(running)
        running.stop()
        seen.append(running.text)
    whole = "\n".join(seen)
    unseen(whole)
    for word in ("tenant", "user", "client", "audience", "setting", "key", "item"):
        assert f"readable-{word}" in whole
    assert 'sys.env("READABLE_URL")' in whole
    assert "READABLE_NAME" in whole
    if find_spec("opentelemetry.exporter.otlp.proto.http"):
        assert Collector.seen
        unseen(Collector.seen.decode("latin-1"))


def send(port: int) -> None:
    """A profile that no endpoint accepts."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/ingest?name=app%7B%7D&format=folded", data=b"a;b 1\n", method="POST"
    )
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        unseen(error.read().decode())


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_configuration_that_is_refused_shows_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.alloy"
    path.write_text(content)
    json_log = tmp_path / "json.alloy"
    json_log.write_text('logging { format = "json" }\n' + content)
    for name in (path, json_log):
        done = alloypy("run", "--server.http.listen-addr=127.0.0.1:0", str(name), env=VARIABLES)
        assert done.returncode == 1
        unseen(done.stdout + done.stderr)
        lines = done.stderr.splitlines()
        assert not any(re.match(r"\s*[0-9]* \|", line) for line in lines)
        if any(line.startswith("{") for line in lines[1:]):
            assert all(isinstance(json.loads(line), dict) for line in lines)
    done = alloypy("validate", *env_flags(), str(path), env={})
    unseen(done.stdout + done.stderr)


def env_flags() -> list[str]:
    return [f"--env={name}={value}" for name, value in VARIABLES.items()]


def test_reports_show_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, content in enumerate([GOOD.replace("PORT", "1"), *WRONG.values()]):
        (tmp_path / f"{number}.alloy").write_text(content)
    paths = sorted(map(str, tmp_path.glob("*.alloy")))
    for form in ("text", "json", "github", "sarif", "junit"):
        assert main(["validate", f"--output-format={form}", *env_flags(), *paths]) == 1
        unseen("".join(capsys.readouterr()))
    main(["fmt", "--check", *paths])
    unseen("".join(capsys.readouterr()))


def test_eval_shows_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "config.alloy"
    path.write_text(GOOD.replace("PORT", "1"))
    names = (
        "pyroscope.write",
        "sink",
        "argument",
        "http",
        "import.string",
        "module",
        "local.file",
        "tracing",
    )
    for name in (*names, "pyroscope.write.w.endpoint[0]", "pyroscope.write.w.endpoint[0].url", "sink.a.env"):
        for form in ((), ("--json",)):
            main(["eval", *form, f"--file={path}", name])
            unseen("".join(capsys.readouterr()))
    for number, content in enumerate(WRONG.values()):
        wrong = tmp_path / f"{number}.alloy"
        wrong.write_text(content)
        main(["eval", f"--file={wrong}", "pyroscope.write.w"])
        unseen("".join(capsys.readouterr()))


def test_a_terminal_shows_lines_with_none(tmp_path: Path) -> None:
    path = tmp_path / "config.alloy"
    path.write_text(WRONG["wrong kinds"])
    outside, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "alloypy", "run", "--server.http.listen-addr=127.0.0.1:0", str(path)],
        env=of_checkout(),
        stdin=subprocess.DEVNULL,
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    seen = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            part = os.read(outside, 65536)
        except OSError:  # its other end is closed
            break
        if not part:
            break
        seen += part
    os.close(outside)
    assert process.wait(60) == 1
    unseen(seen.decode())
    assert '["****' in seen.decode()
