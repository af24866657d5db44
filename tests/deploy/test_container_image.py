"""The container image, built on a base made from Debian's packages, and run as an unprivileged user."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.counts import FULL

ROOT = Path(__file__).parents[2]
TOOLS = ("buildah", "debootstrap", "unshare", "ip")
MEGABYTE = 1_000_000
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

# A container as its runtime makes it: read-only, its own network, no capabilities, no new privileges.
CONTAIN = """\
set -e
ip link set lo up
root=$1; config=$2; shift 2
mount --bind $root $root; mount -o remount,ro,bind $root
mount -t tmpfs -o uid=10001,mode=0750 tmpfs $root/var/lib/alloypy
mount --bind $config $root/etc/alloypy
mount --rbind /dev $root/dev; mount -t proc proc $root/proc
exec chroot $root setpriv --reuid 10001 --regid 10001 --clear-groups --bounding-set=-all --inh-caps=-all \\
  --no-new-privs /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin "$@"
"""

# It becomes healthy, is asked to stop, ends successfully, and is no longer healthy.
LIFE = """\
cd /var/lib/alloypy
if touch /anywhere; then exit 7; fi
alloypy-entrypoint & process=$!
until alloypy-entrypoint healthcheck; do kill -0 $process || exit 8; sleep 0.2; done
kill $process; wait $process || exit 9
if alloypy-entrypoint healthcheck; then exit 10; fi
"""

pytestmark = [
    pytest.mark.skipif(not FULL, reason="takes minutes: part of `dev.py test --full`"),
    pytest.mark.skipif(
        any(shutil.which(tool) is None for tool in TOOLS) or os.geteuid() != 0,
        reason=f"needs {', '.join(TOOLS)} and root",
    ),
]


def call(*command: str | Path, variables: dict[str, str] | None = None) -> str:
    words = [str(word) for word in command]
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", **(variables or {})}
    return subprocess.run(
        words, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout.strip()


def mirror() -> list[str]:
    """Where this machine gets Debian's packages from; nothing for the default."""
    for source in Path("/etc/apt/sources.list.d").glob("*.sources"):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:"):
                return [line.split()[1]]
    return []


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Debian with Python, and the authorities that this machine trusts."""
    root = tmp_path_factory.mktemp("base") / "root"
    packages = "--include=python3,python3-venv,ca-certificates"
    call("debootstrap", "--variant=minbase", packages, "bookworm", root, *mirror())
    shutil.copy(AUTHORITIES, root / AUTHORITIES.relative_to("/"))
    (root / "etc" / "pip.conf").write_text(f"[global]\ncert = {AUTHORITIES}\n")
    container = call("buildah", "from", "scratch")
    call("buildah", "add", "--quiet", container, root, "/")
    name = "localhost/alloypy-test-base"
    call("buildah", "commit", "--squash", "--quiet", container, name)
    call("buildah", "rm", container)
    yield name
    call("buildah", "rmi", "--force", name)


@pytest.fixture(scope="module")
def image(base: str) -> Iterator[str]:
    name = "localhost/alloypy-test"
    file = ROOT / "examples" / "deploy" / "Containerfile"
    options = ("--format=docker", "--network=host", f"--build-arg=BASE={base}", f"--tag={name}")
    call("buildah", "build", "--quiet", *options, "--file", file, ROOT)
    yield name
    call("buildah", "rmi", "--force", name)


@pytest.fixture(scope="module")
def root(image: str) -> Iterator[str]:
    container = call("buildah", "from", image)
    yield call("buildah", "mount", container)
    call("buildah", "rm", container)


def finished(root: str, config: Path, *command: str) -> tuple[int, str]:
    """Exit code and output of a command in the container."""
    shell = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", CONTAIN, "contain"]
    words = [*shell, root, str(config), *command]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout


def disk(root: str) -> int:
    return int(call("du", "--summarize", "--block-size=1", "--one-file-system", root).split()[0])


def test_it_adds_little_to_its_base(base: str, root: str) -> None:
    container = call("buildah", "from", base)
    try:
        bare = disk(call("buildah", "mount", container))
    finally:
        call("buildah", "rm", container)
    assert disk(root) - bare < 50 * MEGABYTE


def test_it_says_what_it_is(image: str) -> None:
    told = call("buildah", "inspect", "--type=image", image)
    for expected in ("org.opencontainers.image.title", "alloypy-entrypoint", "Healthcheck", '"10001:10001"'):
        assert expected in told


def test_it_runs_without_rights_on_a_read_only_file_system(root: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "basic-receive" / "config.alloy", tmp_path)
    tmp_path.chmod(0o755)
    code, said = finished(root, tmp_path, "sh", "-c", LIFE)
    assert code == 0, said
    assert "Alloy is running" in said
    assert "not ready" in said


@pytest.mark.parametrize(
    "command", [["alloypy", "--version"], ["alloypy-entrypoint", "validate", "/etc/alloypy"]]
)
def test_its_commands_work(root: str, tmp_path: Path, command: list[str]) -> None:
    shutil.copy(ROOT / "examples" / "basic-receive" / "config.alloy", tmp_path)
    tmp_path.chmod(0o755)
    code, said = finished(root, tmp_path, *command)
    assert code == 0, said


def test_it_refuses_an_empty_configuration_directory(root: str, tmp_path: Path) -> None:
    code, said = finished(root, tmp_path, "alloypy-entrypoint")
    assert code == 2
    assert "no *.alloy files" in said
