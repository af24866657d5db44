"""Programs that print credentials for the Kubernetes API."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.discovery.kube import exec_plugin
from alloypy.components.discovery.kube.api import ApiError
from alloypy.components.discovery.kube.exec_plugin import ExecPlugin
from alloypy.components.discovery.kube.kubeconfig import ExecSettings
from alloypy.lang.values import Secret

pytestmark = pytest.mark.anyio

VERSION = "client.authentication.k8s.io/v1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Program:
    """A shell script that counts how often it runs, and prints what the test wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = NOW
        self._count = path.with_name("count")
        self._count.write_text("")

    def prints(self, text: str, after: str = "") -> None:
        self.path.write_text(f"#!/bin/sh\necho >> {self._count}\ncat <<'END'\n{text}\nEND\n{after}\n")
        self.path.chmod(0o755)

    def gives(self, **status: Any) -> None:
        self.prints(json.dumps({"kind": "ExecCredential", "status": status}))

    @property
    def runs(self) -> int:
        return len(self._count.read_text().splitlines())

    def plugin(self, **changes: Any) -> ExecPlugin:
        settings = ExecSettings(str(self.path), ("a", "b c"), (("MINE", "1"),), VERSION, "", None)
        environ = {"PATH": os.environ["PATH"]}
        return ExecPlugin(settings._replace(**changes), environ, lambda: self.now)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "program")


async def test_a_token_is_used_until_it_expires_or_is_refused(program: Program) -> None:
    expires = (NOW + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    program.gives(token="one", expirationTimestamp=expires)
    plugin = program.plugin()
    first = await plugin.credential()
    assert (first.token, await plugin.credential(), program.runs) == (Secret("one"), first, 1)
    program.gives(token="two")
    program.now += timedelta(hours=2)
    second = await plugin.credential()
    assert (second.token, program.runs) == (Secret("two"), 2)
    plugin.refuse(first)
    assert await plugin.credential() is second
    plugin.refuse(second)
    await plugin.credential()
    assert program.runs == 3


async def test_a_certificate(program: Program) -> None:
    program.gives(clientCertificateData="CRT", clientKeyData="KEY")
    found = await program.plugin().credential()
    assert (found.token, found.certificate, found.key) == (None, "CRT", Secret("KEY"))


async def test_what_the_program_is_told(program: Program, tmp_path: Path) -> None:
    program.gives(token="t")
    with program.path.open("a") as file:
        file.write(f'printf "%s\\n" "$1" "$2" "$MINE" "$KUBERNETES_EXEC_INFO" > {tmp_path / "told"}\n')
    await program.plugin(cluster={"server": "https://k"}).credential()
    *words, told = (tmp_path / "told").read_text().splitlines()
    assert words == ["a", "b c", "1"]
    assert json.loads(told) == {
        "apiVersion": VERSION,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://k"}},
    }


@pytest.mark.parametrize(
    ("printed", "after", "text"),
    [
        ("hush", "exit 3", "executable program failed with exit code 3"),
        ("hush", "", "decoding stdout: it is not JSON"),
        ("[]", "", "plugin didn't return a status field"),
        ('{"status": {"a": "hush"}}', "", "plugin didn't return a token or cert/key pair"),
        (
            '{"status": {"clientKeyData": "hush"}}',
            "",
            "plugin returned only certificate or key, not both",
        ),
        (
            '{"status": {"token": "hush", "expirationTimestamp": "soon"}}',
            "",
            "decoding stdout: expirationTimestamp is not a time",
        ),
    ],
)  # fmt: skip
async def test_programs_that_fail(printed: str, after: str, text: str, program: Program) -> None:
    program.prints(printed, after)
    with pytest.raises(ApiError) as caught:
        await program.plugin().credential()
    assert str(caught.value) == f"getting credentials: exec: {text}"


async def test_programs_that_do_not_start(program: Program, tmp_path: Path) -> None:
    program.gives(token="t")
    for changes, text in (
        ({"version": "v9"}, 'invalid apiVersion "v9"'),
        (
            {"command": str(tmp_path / "none"), "hint": "install it"},
            f"fork/exec {tmp_path / 'none'}: no such file or directory: install it",
        ),
    ):
        with pytest.raises(ApiError) as caught:
            await program.plugin(**changes).credential()
        assert str(caught.value) == f"getting credentials: exec: {text}"


async def test_a_program_that_hangs_or_talks_forever(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_plugin, "_SECONDS", 0.2)
    program.prints("", "exec sleep 600")
    with pytest.raises(ApiError, match=r"has not ended within 0 seconds$"):
        await program.plugin().credential()
    monkeypatch.setattr(exec_plugin, "_SECONDS", 60)
    program.prints("", "exec yes")
    with pytest.raises(ApiError, match=r"the output is larger than 1048576 bytes$"):
        await program.plugin().credential()
