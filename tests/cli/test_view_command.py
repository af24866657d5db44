"""`alloypy view`: it serves profiles on disk to browsers of this machine, and to nobody else."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.pprof import pprof
from tests.support.running import alloypy

SCRIPT = "<script>alert(1)</script>"


@contextmanager
def viewing(*arguments: str, given: bytes = b"", command: str = "view") -> Iterator[str]:
    """The address that it prints; it must end by SIGINT, without a word."""
    process = subprocess.Popen(
        [sys.executable, "-m", "alloypy", command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(given)
    process.stdin.close()
    process.stdin = None
    try:
        words = process.stdout.readline().decode().split()
        assert words[:1] == [f"{command}:"], process.communicate(timeout=60)
        yield words[1]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"")
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str], bytes]:
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, dict(response.headers.items()), response.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, dict(refusal.headers.items()), refusal.read()


def test_it_serves_the_files_as_they_are_and_a_page_for_each(tmp_path: Path) -> None:
    packed = tmp_path / "cpu.pb.gz"
    packed.write_bytes(gzip.compress(pprof("main")))
    folded = tmp_path / f"{SCRIPT.replace('/', '_')}.folded"
    folded.write_bytes(b"main;work 3\n")
    with viewing(str(packed), str(folded)) as root:
        status, headers, body = get(root)
        assert status == 200
        assert b"cpu.pb.gz" in body
        assert b"<script>alert" not in body
        assert "'unsafe-inline'" not in headers["content-security-policy"]
        assert b'id="flame"' in get(f"{root}flame?p=0")[2]
        assert get(f"{root}api/v0/alloypy/files/0")[2] == packed.read_bytes()
        names = json.loads(get(f"{root}api/v0/alloypy/files")[2])
        assert [each["size"] for each in names] == [packed.stat().st_size, 12]
        folded.write_bytes(b"main;other 4\n")
        _, headers, body = get(f"{root}api/v0/alloypy/files/1")
        assert body == b"main;other 4\n"
        assert json.loads(headers["x-alloypy-profile"])["name"] == str(folded)
        folded.unlink()
        status, _, body = get(f"{root}api/v0/alloypy/files/1")
        assert (status, b"no such file" in body) == (410, True)
        assert get(f"{root}api/v0/alloypy/files/2")[0] == 404
        assert get(f"{root}etc/passwd")[0] == 404


def test_a_single_file_is_shown_at_once_also_from_standard_input() -> None:
    with viewing("-", given=b"main;work 3\n") as address:
        assert address.endswith("/flame?p=0")
        root = address.partition("flame")[0]
        assert get(f"{root}api/v0/alloypy/files/0")[2] == b"main;work 3\n"


def test_pages_of_others_cannot_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.folded"
    path.write_text("main 1\n")
    with viewing(str(path), str(path)) as root:
        for target in ("", "flame?p=0", "api/v0/alloypy/files", "api/v0/alloypy/files/0"):
            assert get(root + target, {"Host": "evil.example"})[0] == 403
            assert get(root + target, {"Origin": "http://evil.example"})[0] == 403
            assert get(root + target, {"Host": f"localhost:{root.rpartition(':')[2][:-1]}"})[0] == 200


def test_wrong_selections_are_answered_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.folded"
    path.write_text("main 1\n")
    with viewing(str(path), str(path)) as root:
        assert b"Choose a profile" in get(f"{root}flame")[2]
        for query, said in {
            "a=0": b"of two profiles",
            "a=0&b=1&p=0": b"of two profiles",
            "&".join(["p=0"] * 65): b"64 profiles at most",
            "&".join(["p=0"] * 10_000): b"64 profiles at most",
        }.items():
            status, _, body = get(f"{root}flame?{query}")
            assert (status, said in body) == (400, True), query
        hostile = get(f"{root}flame?p=%3C/script%3E{SCRIPT.replace('/', '%2F')}")[2]
        assert b"<script>alert" not in hostile


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.pprof"], "Error: open missing.pprof: no such file or directory\n"),
        (["\x1b[31m"], "Error: open \\x1b[31m: no such file or directory\n"),
        (["."], "Error: . is a directory; name the files in it\n"),
        (["a", "--listen=0.0.0.0:0"], "can be reached from other machines"),
        (["a", "--listen=nonsense"], "--listen chooses another address"),
        ([], "requires at least 1 arg"),
    ],
)
def test_what_it_cannot_do_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("main 1\n")
    done = alloypy("view", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
