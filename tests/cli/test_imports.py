"""What the commands import: those that only read files touch no network package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.running import Running, alloypy, free_port

ROOT = Path(__file__).parents[2]
NETWORK = (
    "httpx",
    "httpcore",
    "h11",
    "starlette",
    "uvicorn",
    "uvloop",
    "google.protobuf",
    "prometheus_client",
)
CONFIG = """pyroscope.write "w" {
\tendpoint {
\t\turl = "http://127.0.0.1:4040"
\t}
}
"""
RECEIVER = """pyroscope.receive_http "r" {
\thttp {
\t\tlisten_port = PORT
\t}
\tforward_to = [pyroscope.write.w.receiver]
}
"""
PROGRAM = """
import json, sys
from alloypy.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_after(arguments: list[str], folder: Path) -> set[str]:
    (folder / "config.alloy").write_text(CONFIG)
    done = alloypy(*arguments, cwd=folder, command=(sys.executable, "-c", PROGRAM))
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fmt", "config.alloy"],
        ["fmt", "--check", "config.alloy"],
        ["validate", "config.alloy"],
        ["validate", "--for", "alloypy", "config.alloy"],
        ["eval", "1 + 1"],
        ["eval", 'encoding.from_json("[1]")'],
        ["--version"],
        ["--help"],
        ["run", "--help"],
        ["completion", "bash"],
    ],
    ids=" ".join,
)
def test_no_network_package_is_imported(arguments: list[str], tmp_path: Path) -> None:
    modules = modules_after(arguments, tmp_path)
    assert [name for name in NETWORK if name in modules] == []


def test_the_formatter_imports_neither_catalog_nor_components(tmp_path: Path) -> None:
    modules = modules_after(["fmt", "config.alloy"], tmp_path)
    above = (
        "alloypy.catalog",
        "alloypy.components",
        "alloypy.check",
        "alloypy.graph",
        "alloypy.runtime",
        "alloypy.net",
    )
    assert [name for name in modules if name.startswith(above)] == []


def test_a_start_imports_nothing_that_waits_for_its_first_use(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(CONFIG + RECEIVER.replace("PORT", str(free_port())))
    arguments = ["--stability.level=public-preview", "--storage.path=data", "config.alloy"]
    command = (sys.executable, "-X", "importtime", "-m", "alloypy")
    unmeasured = {"COVERAGE_PROCESS_CONFIG": ""}  # coverage measurement has its own imports
    with Running(arguments, tmp_path, unmeasured, command) as running:
        running.wait_for_log("Alloy is running")
        imported = {line.rpartition("|")[2].strip() for line in running.log if "import time:" in line}
    assert {"asyncio", "alloypy.components.pyroscope.receiving.application"} <= imported
    own = ("alloypy.net.server.tls", "alloypy.profiles.push_json", "alloypy.runtime.evaluating.imports")
    rules = {name for name in imported if name.startswith("alloypy.rules.")}
    assert rules == {f"alloypy.rules.{name}" for name in ("clients", "forms", "further", "view")}
    assert {"starlette.routing", "uvicorn.server"} <= imported
    # uvicorn's command line and its log configuration; the others are imported at their first use.
    not_wanted = (
        "click",
        "configparser",
        "logging.config",
        "multiprocessing",
        "prometheus_client",
        "uvicorn",
    )
    later = ("google.protobuf", "httpx", "re2", "yaml")
    assert [name for name in (*own, *not_wanted, *later) if name in imported] == []


def test_a_queue_on_disk_imports_nothing_of_kafka(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from importlib import import_module\n"
        "from alloypy.components.registry import REGISTRY\n"
        "for name in REGISTRY['alloypy.queue'].later: import_module(name)\n"
        "print([name for name in sys.modules if name.startswith(('aiokafka', 'alloypy.streaming'))])\n"
    )
    done = alloypy(cwd=tmp_path, command=(sys.executable, "-c", program))
    assert (done.stdout, done.stderr) == ("[]\n", "")
