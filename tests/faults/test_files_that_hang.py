"""Files that do not answer: FIFOs in their place, and reads that never return, in a real process.

Whatever does not need such a file works as if it did not exist, and the process always ends.
"""

from __future__ import annotations

import gzip
import http.client
import http.server
import os
import signal
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.support.push_messages import protobuf_of
from tests.support.running import Running, alloypy, free_port
from tests.support.tls import trusting
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs")

LEVEL = "--stability.level=public-preview"
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

# Stands in for a file server that no longer answers: reads below a folder named "hung" never return, and the
# deadline of ten seconds is one second.
HANGING = """
import sys, threading
import alloypy.files, alloypy.threads
alloypy.threads.FILE_SECONDS = 1.0
read = alloypy.files.read_regular
def hang(path):
    if "/hung/" in path:
        threading.Event().wait()
    return read(path)
alloypy.files.read_regular = alloypy.threads.read_regular = hang
from alloypy.cli.main import entry_point
entry_point()
"""


class Backend:
    """A Pyroscope server that takes everything; authorizations: what its requests came with."""

    def __init__(self) -> None:
        self.authorizations: list[str] = []
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                backend.authorizations.append(self.headers.get("Authorization", ""))
                self.send_response(200)
                token = self.path == "/token"
                answer = b'{"access_token":"t","token_type":"Bearer"}' if token else b""
                self.send_header("Content-Type", "application/json" if token else "application/proto")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def pipe(path: Path) -> None:
    """Put a FIFO where the file is."""
    temporary = path.with_name(f"{path.name}.pipe")
    os.mkfifo(temporary)
    temporary.replace(path)


def receiver(name: str, port: int, forward_to: str, tls: str = "") -> str:
    return f"""
pyroscope.receive_http "{name}" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
    {tls}
  }}
  forward_to = [{forward_to}]
}}
"""


def writer(name: str, url: str, settings: str = "") -> str:
    return f"""
pyroscope.write "{name}" {{
  endpoint {{
    url                 = "{url}"
    max_backoff_retries = 1
    {settings}
  }}
}}
"""


def sent(port: int, context: ssl.SSLContext | None = None) -> int:
    """The status that a small profile gets."""
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    else:
        connection = http.client.HTTPSConnection("localhost", port, timeout=PATIENCE, context=context)
    try:
        connection.request("POST", "/ingest?name=app", body=b"profile")
        return connection.getresponse().status
    finally:
        connection.close()


@contextmanager
def good_client(port: int) -> Iterator[list[int]]:
    """Sends a profile every 20 ms meanwhile; checks its answers, and that none took seconds."""
    statuses: list[int] = []
    stop = threading.Event()

    def run() -> None:
        statuses.append(sent(port))
        while not stop.wait(0.02):
            statuses.append(sent(port))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert set(statuses) == {200}


def start(
    folder: Path, text: str, path: str = "config.alloy", *, hanging: bool = False, **env: str
) -> Running:
    if path == "config.alloy":
        (folder / path).write_text(text)
    command = (sys.executable, "-c", HANGING) if hanging else (sys.executable, "-m", "alloypy")
    return Running([LEVEL, path], folder, env, command)


# Secrets


def secret_settings(folder: Path, url: str) -> dict[str, str]:
    """The settings that name each kind of secret file; the file is called as the kind."""
    file = {kind: (folder / kind).as_posix() for kind in ("password", "bearer", "credentials", "oauth2")}
    return {
        "password": f'basic_auth {{\n username = "u"\n password_file = "{file["password"]}"\n }}',
        "bearer": f'bearer_token_file = "{file["bearer"]}"',
        "credentials": f'authorization {{\n credentials_file = "{file["credentials"]}"\n }}',
        "oauth2": f'oauth2 {{\n client_id = "i"\n client_secret_file = "{file["oauth2"]}"\n'
        f' token_url = "{url}/token"\n }}',
    }


def secret_pipelines(folder: Path, url: str, ports: dict[str, int]) -> str:
    parts = [receiver("good", ports["good"], "pyroscope.write.good.receiver"), writer("good", url)]
    for kind, settings in secret_settings(folder, url).items():
        parts.append(receiver(kind, ports[kind], f"pyroscope.write.{kind}.receiver"))
        parts.append(writer(kind, url, settings))
    return "".join(parts)


def secret_ports() -> dict[str, int]:
    return {kind: free_port() for kind in ("good", "password", "bearer", "credentials", "oauth2")}


def test_a_secret_that_was_never_read_fails_only_those_who_need_it(tmp_path: Path, backend: Backend) -> None:
    ports = secret_ports()
    for kind in secret_settings(tmp_path, ""):
        pipe(tmp_path / kind)
    with start(tmp_path, secret_pipelines(tmp_path, backend.url, ports)).wait_until_ready() as running:
        with good_client(ports["good"]):
            for kind in secret_settings(tmp_path, ""):
                assert sent(ports[kind]) >= 400
                running.wait_for_log(f"unable to read file .*/{kind}: open .*/{kind}: not a regular file")
        assert running.get("/-/ready").status == 200
        assert set(backend.authorizations) == {""}
        assert running.stop() == 0


def test_secrets_stay_in_use_while_their_files_are_no_files(tmp_path: Path, backend: Backend) -> None:
    ports = secret_ports()
    kinds = list(secret_settings(tmp_path, ""))
    for kind in kinds:
        (tmp_path / kind).write_text("hush")
    with start(tmp_path, secret_pipelines(tmp_path, backend.url, ports)).wait_until_ready() as running:
        assert [sent(ports[kind]) for kind in kinds] == [200] * 4
        before = set(backend.authorizations)
        for kind in kinds:
            pipe(tmp_path / kind)
        with good_client(ports["good"]):
            for kind in kinds:
                while f"/{kind} " not in running.text.replace("file=", "").replace('"', " "):
                    assert sent(ports[kind]) == 200
        assert set(backend.authorizations) == before | {""}
        (shown,) = (
            each["health"]
            for each in running.json("/api/v0/web/components")
            if each["localID"] == "pyroscope.write.password"
        )
        assert shown["state"] == "healthy"
        assert "password: open" in shown["message"]
        (tmp_path / "new").write_text("other")
        (tmp_path / "new").replace(tmp_path / "bearer")
        wait_until(lambda: sent(ports["bearer"]) == 200 and "Bearer other" in backend.authorizations)
        told = [line for line in running.log if "a secret file cannot be read" in line]
        assert len(told) == 4
        assert "hush" not in running.text
        assert running.stop() == 0


# Certificates


def issue(authority: trustme.CA, folder: Path) -> None:
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    for name, blobs in (("key", [certificate.private_key_pem]), ("cert", certificate.cert_chain_pems)):
        temporary = folder / f"{name}.new"
        temporary.write_bytes(b"".join(blob.bytes() for blob in blobs))
        temporary.replace(folder / f"{name}.pem")


def test_a_certificate_stays_in_use_while_its_file_is_invalid(tmp_path: Path, backend: Backend) -> None:
    plain, secure = free_port(), free_port()
    authority = trustme.CA()
    issue(authority, tmp_path)
    tls = 'tls {\n cert_file = "cert.pem"\n key_file = "key.pem"\n }'
    text = (
        receiver("plain", plain, "pyroscope.write.w.receiver")
        + receiver("secure", secure, "pyroscope.write.w.receiver", tls)
        + writer("w", backend.url)
    )
    with start(tmp_path, text).wait_until_ready() as running:
        with good_client(plain):
            check_certificates(running, tmp_path, text, secure, authority)
        assert running.stop() == 0


def check_certificates(running: Running, folder: Path, text: str, port: int, authority: trustme.CA) -> None:
    assert sent(port, trusting(authority)) == 200
    for name in ("cert.pem", "key.pem"):
        pipe(folder / name)
    while "changed TLS files cannot be used" not in running.text:
        assert sent(port, trusting(authority)) == 200
    health = running.json("/api/v0/web/components/pyroscope.receive_http.secure")["health"]
    assert health["message"].startswith(
        "the previous certificate is still in use: error generating http tls config"
    )

    config = folder / "config.alloy"
    config.write_text(text.replace('"w"', '"v"').replace("write.w.", "write.v."))
    assert running.get("/-/reload").status == 200
    assert sent(port, trusting(authority)) == 200

    config.write_text(text.replace("cert.pem", "./cert.pem"))
    reply = running.get("/-/reload")
    assert reply.status == 400
    assert "cert.pem: not a regular file" in reply.text
    assert sent(port, trusting(authority)) == 200

    successor = trustme.CA()
    issue(successor, folder)

    def renewed() -> bool:
        try:
            return sent(port, trusting(successor)) == 200
        except ssl.SSLError:
            return False

    wait_until(renewed)


def test_the_admin_server_keeps_its_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    issue(authority, tmp_path)
    text = 'http {\n tls {\n cert_file = "cert.pem"\n key_file = "key.pem"\n }\n}\n'
    with start(tmp_path, text) as running:
        running.wait_for_log("now listening")

        def ready() -> int:
            return asked(running, trusting(authority), "/-/ready")

        assert ready() == 200
        pipe(tmp_path / "cert.pem")
        while "TLS settings of the HTTP server cannot be used" not in running.text:
            assert ready() == 200
        assert running.stop() == 0


def asked(running: Running, context: ssl.SSLContext, path: str) -> int:
    host, _, port = running.address.partition(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=PATIENCE, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


# Files whose content is the configuration's


def followed_files(folder: Path, count: int) -> str:
    files = [f'local.file "f{n}" {{\n filename = "{folder.as_posix()}/f{n}"\n}}\n' for n in range(count)]
    return "".join(files) + f'import.file "m" {{\n filename = "{folder.as_posix()}/m.alloy"\n}}\n'


def test_files_that_become_pipes_take_no_thread_from_profiles(tmp_path: Path, backend: Backend) -> None:
    port = free_port()
    for number in range(8):
        (tmp_path / f"f{number}").write_text("text")
    (tmp_path / "m.alloy").write_text('declare "d" { }')
    text = followed_files(tmp_path, 8) + receiver("r", port, "pyroscope.write.w.receiver")
    with start(tmp_path, text + writer("w", backend.url)).wait_until_ready() as running:
        for name in [f"f{number}" for number in range(8)] + ["m.alloy"]:
            pipe(tmp_path / name)
        for number in range(8):
            running.wait_for_log(f"failed to read file.*/f{number}: not a regular file")
        running.wait_for_log("failed to read file.*/m.alloy: not a regular file")
        large = protobuf_of([([("__name__", "cpu")], [(os.urandom(500_000), "")])]).SerializeToString()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {"Content-Type": "application/proto", "Content-Encoding": "gzip"}
        connection.request("POST", "/push.v1.PusherService/Push", gzip.compress(large, 1), headers)
        assert connection.getresponse().status == 200
        connection.close()
        assert running.json("/api/v0/web/components/local.file.f0")["exports"] != []
        assert running.stop() == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('local.file "f" {\n filename = "p"\n}\n', "failed to read file: open p: not a regular file"),
        ('import.file "f" {\n filename = "p"\n}\n', "failed to read file: open p: not a regular file"),
        (
            receiver("r", 1, "", 'tls {\n cert_file = "p"\n key_file = "p"\n }'),
            "failed to read cert_file (p): open p: not a regular file",
        ),
        (
            writer("w", "https://x", 'tls_config {\n ca_file = "p"\n }'),
            "unable to read CA cert: unable to read file p: open p: not a regular file",
        ),
    ],
    ids=["local.file", "import.file", "certificate", "authorities"],
)
def test_a_start_with_a_pipe_in_place_of_a_file_ends_with_the_reason(
    tmp_path: Path, text: str, fault: str
) -> None:
    pipe(tmp_path / "p")
    with start(tmp_path, text.replace("listen_port    = 1", f"listen_port    = {free_port()}")) as running:
        assert running.wait() == 1
        assert fault in running.text


# The configuration itself


def test_a_configuration_from_a_pipe_is_loaded_once(tmp_path: Path, backend: Backend) -> None:
    port = free_port()
    text = receiver("r", port, "pyroscope.write.w.receiver") + writer("w", backend.url)
    pipe(tmp_path / "config")
    with start(tmp_path, "", path="config", hanging=True) as running:
        (tmp_path / "config").write_text(text)
        running.wait_until_ready()
        with good_client(port):
            before = len(running.log)
            running.process.send_signal(signal.SIGHUP)
            running.wait_for_log("failed to reload config.*open config: no answer within 1 seconds", before)
        assert running.stop() == 0


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0"])
def test_a_configuration_on_standard_input_survives_a_reload(tmp_path: Path, path: str) -> None:
    text = receiver("r", free_port(), "")
    (tmp_path / "text").write_text(text)
    shell = f'exec "{sys.executable}" -m alloypy "$@" < <(cat text)'
    running = Running([LEVEL, path], tmp_path, command=("/bin/bash", "-c", shell, "bash"))
    with running.wait_until_ready():
        reply = running.get("/-/reload")
        assert reply.status == 400
        assert reply.text.strip().endswith("a pipe gives its content only once")
        assert len(running.json("/api/v0/web/components")) == 1
        assert running.stop() == 0


def test_a_pipe_in_a_directory_of_configurations_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.alloy").write_text("")
    pipe(tmp_path / "b.alloy")
    reason = f"open {tmp_path}/b.alloy: not a regular file"
    with start(tmp_path, "", path=str(tmp_path)) as running:
        assert running.wait() == 1
        assert reason in running.text
    done = alloypy("validate", str(tmp_path))
    assert (done.returncode, reason in done.stderr) == (1, True)


def test_commands_that_only_read_wait_for_no_pipe_that_a_file_or_a_folder_names(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".gitignore", "module", "b.alloy"):
        pipe(tmp_path / name)
    (tmp_path / "a.alloy").write_text(f'import.file "m" {{\n  filename = "{tmp_path}/module"\n}}\n')
    assert alloypy("validate", f"{tmp_path}/a.alloy").returncode == 0
    assert "1 file would change" in alloypy("fmt", "--check", str(tmp_path)).stderr


# Reads that never return


def hung(folder: Path) -> Path:
    (folder / "hung").mkdir()
    path = folder / "hung" / "file"
    path.write_text("text")
    return path


def test_a_start_can_be_ended_while_a_file_hangs(tmp_path: Path) -> None:
    path = hung(tmp_path)
    text = "".join(f'local.file "f{n}" {{\n filename = "{path}{n}"\n}}\n' for n in range(100))
    with start(tmp_path, text, hanging=True) as running:
        running.wait_for_log("failed to read file.*no answer within 1 seconds")
        assert running.stop() == 0


def test_a_start_with_a_storage_directory_that_hangs_does_without_it(tmp_path: Path) -> None:
    (tmp_path / "hung").mkdir()
    (tmp_path / "hung" / "alloy_seed.json").write_text("{}")
    command = (sys.executable, "-c", HANGING)
    (tmp_path / "config.alloy").write_text("")
    with Running([f"--storage.path={tmp_path}/hung", "config.alloy"], tmp_path, command=command) as running:
        running.wait_until_ready()
        running.wait_for_log("cannot keep the id of this installation.*no answer within 1 seconds")
        assert running.stop() == 0


def test_while_files_hang_profiles_are_served_and_reloads_refused(tmp_path: Path, backend: Backend) -> None:
    port = free_port()
    path = hung(tmp_path)
    text = receiver("r", port, "pyroscope.write.w.receiver") + writer("w", backend.url)
    secret = receiver("s", free_port(), "pyroscope.write.s.receiver")
    secret += writer("s", backend.url, f'bearer_token_file = "{path}"')
    with start(tmp_path, text + secret, hanging=True).wait_until_ready() as running:
        with good_client(port):
            hanging = "".join(f'local.file "f{n}" {{\n filename = "{path}{n}"\n}}\n' for n in range(2))
            (tmp_path / "config.alloy").write_text(text + hanging)
            reply = running.get("/-/reload")
            assert reply.status == 400
            assert "hung/file0: no answer within 1 seconds (and 1 more diagnostics)" in reply.text
            assert running.get("/-/ready").status == 200
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_log("failed to read file.*hung/file0: no answer", len(running.log))
        assert running.stop() == 0


def test_system_authorities_that_hang_fail_only_those_who_need_them(tmp_path: Path, backend: Backend) -> None:
    good, secure = free_port(), free_port()
    pipe(tmp_path / "authorities")
    text = (
        receiver("good", good, "pyroscope.write.good.receiver")
        + writer("good", backend.url)
        + receiver("secure", secure, "pyroscope.write.secure.receiver")
        + writer("secure", backend.url.replace("http", "https"))
    )
    running = start(tmp_path, text, hanging=True, SSL_CERT_FILE=str(tmp_path / "authorities"))
    with running.wait_until_ready():
        with good_client(good):
            assert sent(secure) >= 400
            running.wait_for_log(
                "unable to read the system's certificate authorities: no answer within 1 seconds"
            )
        assert running.stop() == 0
