"""What `alloypy run` says about mistakes, and how it shows that it works."""

from __future__ import annotations

import shlex
import socket
import sys
import urllib.request
from pathlib import Path

import pytest

from alloypy.graph.texts import NOT_RUN_HINT
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port, refused

ROOT = Path(__file__).parents[2]
LEVEL = "--stability.level=public-preview"
ANY_PORT = "--server.http.listen-addr=127.0.0.1:0"
QUICK = """
import runpy, sys
import alloypy.services.activity
alloypy.services.activity.EVERY_SECONDS = 0.3
runpy.run_module("alloypy", run_name="__main__", alter_sys=True)
"""


def pipeline(port: int, url: str = "", address: str = "127.0.0.1") -> str:
    endpoint = f'endpoint {{\n    url = "{url}"\n  }}' if url else ""
    return f"""pyroscope.receive_http "default" {{
  http {{
    listen_address = "{address}"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.w.receiver]
}}
pyroscope.write "w" {{
  {endpoint}
}}
"""


def post(port: int, target: str = "/ingest?name=app") -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}", b"abc", timeout=60) as response:
        return int(response.status)


def test_a_missing_configuration_is_reported_before_a_used_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = refused(tmp_path, f"--server.http.listen-addr={address}", "nosuch.alloy")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    missing = "stat nosuch.alloy: no such file or directory"
    assert last == f'Error: reading config path "nosuch.alloy": {missing}'


@pytest.mark.parametrize(
    "arguments",
    [
        ["with blank.alloy"],
        ["--stability.level=generally-available", "with blank.alloy"],
        ["--stability.level", "generally-available", "--disable-reporting", "with blank.alloy"],
    ],
)
def test_a_missing_level_is_reported_with_the_command_to_type(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "with blank.alloy").write_text(pipeline(free_port()))
    done = refused(tmp_path, ANY_PORT, *arguments)
    assert done.returncode == 1
    typed = next(line for line in done.stderr.splitlines() if line.startswith("  = type: alloypy run "))
    assert "  = hint: add --stability.level=public-preview to the command line" in done.stderr
    again = [argument for argument in shlex.split(typed)[4:] if argument != ANY_PORT]
    with Running(again, tmp_path) as running:
        running.wait_until_ready()


def test_of_several_levels_the_least_stable_is_to_be_typed(tmp_path: Path) -> None:
    template = 'foreach "f" {\n  collection = []\n  var        = "x"\n  template { }\n}\n'
    (tmp_path / "config.alloy").write_text(template + pipeline(free_port()))
    done = refused(tmp_path, ANY_PORT, "config.alloy")
    assert f"  = type: alloypy run --stability.level=experimental {ANY_PORT} config.alloy" in done.stderr


def test_a_component_of_alloy_alone_is_no_typing_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(
        'prometheus.exporter.unix "x" { }\nprometheus.exporter.unx "y" { }\n'
    )
    done = refused(tmp_path, ANY_PORT, "config.alloy")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        'Error: config.alloy:1:1: alloypy does not run the component "prometheus.exporter.unix"',
        f"  = hint: {NOT_RUN_HINT}",
        'Error: config.alloy:2:1: cannot find the definition of component name "prometheus.exporter.unx"',
        "Error: could not perform the initial load successfully",
    ]


def test_the_addresses_are_reported_as_they_are_reached(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    receiver = pipeline(other).replace('"default"', '"other"').partition('pyroscope.write "w"')[0]
    (tmp_path / "config.alloy").write_text(pipeline(port, address="0.0.0.0") + receiver)
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        line = running.wait_for_log("Alloy is running")
        assert f" admin={running.address} " in line
        assert set(line.partition("receivers=")[2].split(",")) == {f"[::]:{port}", f"127.0.0.1:{other}"}
        assert running.wait_for_log(rf"server listening on addresses.* http=\[::\]:{port}$")
        assert running.stop() == 0


def test_a_minute_in_which_profiles_came_gets_its_line_and_no_other(tmp_path: Path) -> None:
    port = free_port()
    with Recorder() as backend:
        (tmp_path / "config.alloy").write_text(pipeline(port, backend.url))
        with Running([LEVEL, "config.alloy"], tmp_path, command=(sys.executable, "-c", QUICK)) as running:
            running.wait_until_ready()
            assert [post(port), post(port)] == [200, 200]
            line = running.wait_for_log("profiles of the last minute")
            if " requests=1 " in line:  # the check happened between the two
                line = running.wait_for_log(r"last minute.* requests=1 .*", running.log.index(line) + 1)
                assert line.endswith(" requests=1 failed=0 profiles_sent=1 profiles_dropped=0")
            else:
                assert line.endswith(" requests=2 failed=0 profiles_sent=2 profiles_dropped=0")
            told = len(running.log)
            with pytest.raises(urllib.error.HTTPError):
                post(port, "/ingest?name=")
            line = running.wait_for_log("profiles of the last minute", told)
            assert line.endswith(" requests=0 failed=1 profiles_sent=0 profiles_dropped=0")
            assert running.stop() == 0
        assert running.text.count("profiles of the last minute") <= 3


def test_a_mistyped_component_gets_the_name_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text('pyroscope.recieve_http "r" { }\n')
    done = refused(tmp_path, ANY_PORT, "config.alloy")
    assert "  = hint: did you mean `pyroscope.receive_http`?" in done.stderr


def test_a_minute_that_ends_early_is_reported_at_the_end(tmp_path: Path) -> None:
    port = free_port()
    with Recorder() as backend:
        (tmp_path / "config.alloy").write_text(pipeline(port, backend.url))
        with Running([LEVEL, "config.alloy"], tmp_path) as running:
            running.wait_until_ready()
            assert post(port) == 200
            assert running.stop() == 0
    (line,) = (line for line in running.log if "profiles of the last minute" in line)
    assert line.endswith(" requests=1 failed=0 profiles_sent=1 profiles_dropped=0")
