"""`alloypy run` as a process: ports, signals, reload, storage, log, and what it refuses."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.support.running import Reply, Running, free_port, refused

ROOT = Path(__file__).parents[2]
LEVEL = "--stability.level=public-preview"
EMPTY = 'logging {\n  level = "info"\n}\n'

GUARDED = """http {
  auth {
    basic {
      username = "u"
      password = "hush"
    }
    filter {
      paths = ["/x"]
    }
  }
}
"""


def receiver(port: int, name: str = "default") -> str:
    return f"""pyroscope.receive_http "{name}" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = []
}}
"""


def start(folder: Path, text: str, *arguments: str) -> Running:
    (folder / "config.alloy").write_text(text)
    return Running([LEVEL, *arguments, "config.alloy"], folder)


def errors(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith("Error: ")]


def test_a_busy_admin_port_is_one_error_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(EMPTY)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = refused(tmp_path, f"--server.http.listen-addr={address}", "config.alloy")
    assert (done.returncode, done.stdout) == (1, "")
    busy = f"listen tcp {address}: bind: address already in use"
    assert errors(done.stderr) == [
        f"Error: failed to listen on {address}: {busy}; --server.http.listen-addr chooses another address"
    ]
    assert "running" not in done.stderr
    assert not (tmp_path / "data-alloy").exists()


def test_a_busy_receiver_port_is_one_error_with_its_place(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "config.alloy").write_text(receiver(port))
        done = refused(tmp_path, LEVEL, "--server.http.listen-addr=127.0.0.1:0", "config.alloy")
    assert (done.returncode, done.stdout) == (1, "\n")
    assert errors(done.stderr) == [
        (
            "Error: config.alloy:1:1: Failed to build component: building component: "
            f"listen tcp 127.0.0.1:{port}: bind: address already in use"
        ),
        "Error: could not perform the initial load successfully",
    ]
    assert "running" not in done.stderr


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("nonsense", 'failed to listen on "nonsense": the address is not of the form host:port'),
        ("127.0.0.1:x", 'failed to listen on "127.0.0.1:x": the address is not of the form host:port'),
        (
            "127.0.0.1:99999",
            "failed to listen on 127.0.0.1:99999: listen tcp: address 99999: invalid port",
        ),
    ],
)
def test_a_wrong_admin_address_is_reported(tmp_path: Path, address: str, text: str) -> None:
    (tmp_path / "config.alloy").write_text(EMPTY)
    done = refused(tmp_path, f"--server.http.listen-addr={address}", "config.alloy")
    assert done.returncode == 1
    assert errors(done.stderr) == [f"Error: {text}; --server.http.listen-addr chooses another address"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--config.format=prometheus", "x"],
            'reading config path "x": converting from "prometheus" is not part of alloypy',
        ),
        (
            ["--config.format=toml", "x"],
            'reading config path "x": (Critical) unrecognized kind "toml" given to the config converter',
        ),
        (
            ["--stability.level=experimental", "--server.http.enable-graphql", "x"],
            "the GraphQL API is not part of alloypy; run without --server.http.enable-graphql",
        ),
        (
            ["--server.http.enable-graphql-playground", "x"],
            (
                "'--server.http.enable-graphql-playground' can only be used at experimental stability level. "
                "Use --stability.level=experimental to enable."
            ),
        ),
        ([""], "path argument not provided"),
        ([], "accepts 1 arg(s), received 0"),
        (
            ["--stability.level=stable", "x"],
            'invalid argument "stable" for "--stability.level" flag: invalid stability level "stable"',
        ),
    ],
)
def test_flags_that_cannot_be_honoured_are_refused(tmp_path: Path, arguments: list[str], text: str) -> None:
    done = refused(tmp_path, *arguments)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[0]) == (1, "", f"Error: {text}")


def test_flags_of_alloy_that_make_no_difference_are_accepted(tmp_path: Path) -> None:
    harmless = (
        "--disable-reporting",
        "--server.http.memory-addr=alloy.internal:1",
        "--server.http.enable-pprof=false",
        "--cluster.node-name=n",
        "--cluster.rejoin-interval=5s",
        "--cluster.max-join-peers=3",
        "--cluster.advertise-interfaces=eth0,en0",
        "--feature.prometheus.metric-validation-scheme",
    )
    with start(tmp_path, EMPTY, *harmless) as running:
        running.wait_until_ready()
        assert running.stop() == 0
    assert "Flag --feature.prometheus.metric-validation-scheme has been deprecated" in running.log[0]


def test_a_receiver_needs_its_stability_level(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(receiver(free_port()))
    done = refused(tmp_path, "--server.http.listen-addr=127.0.0.1:0", "config.alloy")
    assert done.returncode == 1
    assert errors(done.stderr)[0] == (
        'Error: config.alloy:1:1: component "pyroscope.receive_http" is at stability level "public-preview", '
        'which is below the minimum allowed stability level "generally-available". Use --stability.level '
        'command-line flag to enable "public-preview" features'
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a = 1".encode("utf-16"), "configuration is encoded with UTF16LittleEndian but must be utf8"),
        (b"a = \n", "config.alloy:2:1: expected expression, got EOF"),
        (b'a = "\xff"\n', "unknown encoding for config"),
    ],
)
def test_bad_input_gives_a_sentence_and_no_traceback(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "config.alloy").write_bytes(content)
    done = refused(tmp_path, "--server.http.listen-addr=127.0.0.1:0", "config.alloy")
    assert done.returncode == 1
    assert text in errors(done.stderr)[0]
    assert "Traceback" not in done.stderr


def test_a_refused_load_keeps_its_log(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text("a = \n")
    done = refused(tmp_path, "--server.http.listen-addr=127.0.0.1:0", "config.alloy")
    assert 'level=info msg="alloypy is starting"' in done.stderr.splitlines()[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_exit_code_0(tmp_path: Path, number: int) -> None:
    with start(tmp_path, receiver(free_port())) as running:
        running.wait_until_ready()
        assert running.stop(number) == 0
        assert running.stdout() == ""
    assert not [line for line in running.log if " level=error " in line]


def test_a_second_signal_ends_it_immediately(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path, receiver(port)) as running:
        running.wait_until_ready()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /ingest?name=a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n123")
            time.sleep(0.2)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert running.process.poll() is None
            assert running.stop(signal.SIGTERM) == -signal.SIGTERM


def test_what_is_in_flight_is_finished_before_it_ends(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path, receiver(port)) as running:
        running.wait_until_ready()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /ingest?name=a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n123")
            time.sleep(0.2)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            client.sendall(b"4567890")
            assert client.recv(64).startswith(b"HTTP/1.1 200")
        assert running.wait() == 0


def test_a_reload_is_whole_or_changes_nothing(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    with start(tmp_path, receiver(first)) as running:
        running.wait_until_ready()
        assert running.metric("alloy_config_last_load_successful") == 1
        (tmp_path / "config.alloy").write_text(receiver(second))
        assert running.get("/-/reload", "POST") == Reply(200, "config reloaded\n")
        socket.create_connection(("127.0.0.1", second)).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", first))
        for content, answer in (
            (
                "a = \n",
                'reading config path "config.alloy": config.alloy:2:1: expected expression, got EOF\n',
            ),
            (
                f'{receiver(second)}\npyroscope.nope "x" {{ }}\n',
                (
                    "error during the initial load: config.alloy:9:1: "
                    'cannot find the definition of component name "pyroscope.nope"\n'
                ),
            ),
        ):
            (tmp_path / "config.alloy").write_text(content)
            assert running.get("/-/reload") == Reply(400, answer)
            assert running.metric("alloy_config_last_load_successful") == 0
            assert running.get("/-/healthy").status == 200
            socket.create_connection(("127.0.0.1", second)).close()
        assert running.metric("alloy_config_load_failures_total") == 2
        assert running.stop() == 0
    assert len([line for line in running.log if 'level=error msg="failed to reload config"' in line]) == 2


def test_sighup_reloads_and_is_logged(tmp_path: Path) -> None:
    with start(tmp_path, EMPTY) as running:
        running.wait_until_ready()
        (tmp_path / "config.alloy").write_text('logging {\n  format = "json"\n}\n')
        running.process.send_signal(signal.SIGHUP)
        record = json.loads(running.wait_for_log("config reloaded"))
        assert list(record)[:3] == ["ts", "level", "msg"]
        (tmp_path / "config.alloy").write_text('logging {\n  level = "loud"\n}\n')
        running.process.send_signal(signal.SIGHUP)
        record = json.loads(running.wait_for_log("failed to reload config"))
        assert 'unrecognized log level "loud"' in record["err"]
        assert running.stop() == 0


def test_watching_reloads_when_a_file_changes(tmp_path: Path) -> None:
    with start(tmp_path, EMPTY, "--config.watch") as running:
        running.wait_until_ready()
        (tmp_path / "config.alloy").write_text('logging {\n  level = "warn"\n}\nlivedebugging { }\n')
        time.sleep(0.1)
        (tmp_path / "config.alloy").write_text('logging {\n  level = "info"\n}\nlivedebugging { }\n')
        running.wait_for_log("config reloaded")
        assert running.stop() == 0


def test_the_identity_of_the_installation_is_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with start(tmp_path, EMPTY) as running:
            running.wait_until_ready()
            assert running.stop() == 0
        seed = json.loads((tmp_path / "data-alloy" / "alloy_seed.json").read_text())
        identity = seed["UID"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", identity)
    assert json.loads((tmp_path / "data-alloy" / "alloy_seed.json").read_text())["UID"] == identity


def test_storage_that_cannot_be_written_costs_a_warning_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with start(tmp_path, EMPTY, "--storage.path=file/data") as running:
        running.wait_until_ready()
        assert running.stop() == 0
    assert 'level=warn msg="cannot keep the id of this installation' in running.text


def test_the_prefix_moves_the_web_api(tmp_path: Path) -> None:
    with start(tmp_path, EMPTY, "--server.http.ui-path-prefix=/ui") as running:
        running.wait_until_ready()
        assert running.json("/ui/api/v0/web/components") == []
        assert running.get("/api/v0/web/components").status == 404
        assert running.stop() == 0


def test_the_support_bundle_is_a_zip_without_secrets(tmp_path: Path) -> None:
    import io
    import urllib.request
    import zipfile

    with start(tmp_path, GUARDED) as running:
        running.wait_until_ready()
        assert running.get("/-/support?duration=x").status == 400
        with urllib.request.urlopen(f"http://{running.address}/-/support?duration=1", timeout=30) as response:
            archive = zipfile.ZipFile(io.BytesIO(response.read()))
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
        assert running.stop() == 0
    top = "alloy-support-bundle/"
    assert {name.removeprefix(top) for name in contents} >= {
        "alloy-metadata.yaml",
        "alloy-components.json",
        "alloy-runtime-flags.txt",
        "alloy-environment.txt",
        "alloy-metrics-sample-end.txt",
        "sources/config.alloy",
    }
    assert "hush" not in "".join(contents.values())
    assert "stability.level=public-preview" in contents[f"{top}alloy-runtime-flags.txt"]
