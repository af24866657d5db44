"""VS Code in a browser, with the extension as it is built: a person finishes and mends a configuration."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.counts import FULL
from tests.support.editing import FINISHED, SETTINGS, needs, project
from tests.support.running import environment, free_port, of_checkout

DRIVER = Path(__file__).parent / "vscode"
LARGEST_BYTES = 150_000
SET_UP_SECONDS = 600
pytestmark = [
    pytest.mark.skipif(not FULL, reason="downloads 350 MB of packages; dev.py test --full runs it"),
    pytest.mark.timeout(3 * SET_UP_SECONDS),
]
EDITOR = {
    "workbench.startupEditor": "none",
    "workbench.sideBar.location": "right",
    "workbench.activityBar.location": "hidden",
    "editor.minimap.enabled": False,
    "breadcrumbs.enabled": False,
}


def install(folder: Path, command: Sequence[str]) -> None:
    """Install packages; skips where that cannot be done here."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SET_UP_SECONDS,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"packages cannot be installed here: {' '.join(command)}: {done.stderr[-300:]}")


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that is built as its page says."""
    needs("node", "npm")
    clone = tmp_path_factory.mktemp("clone")
    folder = clone / "docs" / "editors" / "vscode"
    shutil.copytree(SETTINGS / "vscode", folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copy(SETTINGS.parents[1] / "LICENSE", clone)
    install(folder, ["npm", "ci", "--ignore-scripts"])
    offline = environment({"npm_config_offline": "true"})
    subprocess.run(["npm", "run", "package"], cwd=folder, env=offline, check=True, timeout=SET_UP_SECONDS)
    return folder / "dist" / "alloypy.vsix"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with VS Code as a server, and what drives the browser."""
    needs("node", "npm", "chromium")
    folder = tmp_path_factory.mktemp("driver") / "driver"
    shutil.copytree(DRIVER, folder, ignore=shutil.ignore_patterns("node_modules"))
    install(folder, ["npm", "ci", "--ignore-scripts"])
    server = folder / "node_modules" / "code-server"
    install(server / "lib" / "vscode", ["npm", "install", "--ignore-scripts", "--omit=dev"])
    # It hashes passwords, of which there are none here, and would have to be compiled.
    (folder / "node_modules" / "argon2" / "argon2.js").write_text("module.exports = {};\n")
    return folder


class CodeServer:
    """VS Code as a server, with an extension; a context manager that ends it."""

    def __init__(self, driver: Path, home: Path, extension: Path) -> None:
        self._program = ["node", str(driver / "node_modules" / "code-server" / "out" / "node" / "entry.js")]
        self._folders = [f"--user-data-dir={home / 'data'}", f"--extensions-dir={home / 'extensions'}"]
        self._variables: Mapping[str, str] = of_checkout(
            {"HOME": str(home), "EXTENSIONS_GALLERY": '{"serviceUrl": "http://127.0.0.1:9"}'}
        )
        user = home / "data" / "User"
        user.mkdir(parents=True)
        (user / "settings.json").write_text(json.dumps(EDITOR))
        installing = [*self._program, *self._folders, "--install-extension", str(extension)]
        subprocess.run(
            installing, env=self._variables, check=True, capture_output=True, timeout=SET_UP_SECONDS
        )
        self.address = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> CodeServer:
        options = [
            "--auth=none",
            "--disable-telemetry",
            "--disable-update-check",
            "--disable-workspace-trust",
        ]
        bind = f"--bind-addr={self.address.removeprefix('http://')}"
        self._process = subprocess.Popen(
            [*self._program, *self._folders, *options, bind],
            env=self._variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, "VS Code has ended"
            assert time.monotonic() < deadline, "VS Code does not answer"
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A project whose virtual environment has alloypy; returns its configuration."""
    path = project(tmp_path)
    programs = path.parent / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "alloypy").symlink_to(Path(sys.executable).parent / "alloypy")
    return path


def test_the_extension_is_small(extension: Path) -> None:
    assert extension.stat().st_size <= LARGEST_BYTES


def test_a_configuration_is_finished_and_mended(
    extension: Path, driver: Path, workspace: Path, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    home = tmp_path / "home"
    with CodeServer(driver, home, extension) as server:
        done = subprocess.run(
            ["node", "drive.mjs", server.address, str(workspace.parent), workspace.name, str(pictures)],
            cwd=driver,
            env=environment({"CHROMIUM": shutil.which("chromium") or ""}),
            capture_output=True,
            text=True,
            timeout=SET_UP_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    print("pictures:", *sorted(pictures.iterdir()))
    assert "error" not in seen, seen
    assert seen["completions"] == ["receiver"]
    assert "did you mean `listen_address`?" in seen["hover"][0]
    assert "Change to `listen_address`" in seen["actions"]
    assert [each.startswith("pyroscope.write.backend") for each in seen["references"]] == [True]
    assert workspace.read_bytes() == FINISHED.encode()
