"""The tools accept the deployment material, and it does what its README says."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.running import Running, alloypy

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8").splitlines()
MANIFESTS = [
    one
    for name in ("kubernetes.yaml", "cluster.yaml", "queue.yaml")
    for one in yaml.safe_load_all((DEPLOY / name).read_text("utf-8"))
]
"""All objects; no two of one kind have the same name."""


def manifest(kind: str, name: str = "alloypy") -> Any:
    (found,) = [one for one in MANIFESTS if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


class TestSystemd:
    @pytest.fixture
    def unit(self, tmp_path: Path) -> Path:
        """The unit, with a program that exists here."""
        text = (DEPLOY / "alloypy.service").read_text("utf-8")
        changed = tmp_path / "alloypy.service"
        changed.write_text(text.replace("/opt/alloypy/bin/alloypy", sys.executable), "utf-8")
        return changed

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
    def test_systemd_takes_it(self, unit: Path) -> None:
        done = subprocess.run(
            ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
    def test_it_is_hardened(self, unit: Path) -> None:
        options = ("--offline=true", "--json=short", "--threshold=20")
        command = ["systemd-analyze", "security", *options, str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def test_systemd_is_notified_of_the_state(self, tmp_path: Path) -> None:
        (tmp_path / "config.alloy").write_text("logging { }\n")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            systemd.settimeout(30)

            def told() -> list[str]:
                return systemd.recv(4096).decode().splitlines()

            variables = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
            with Running([f"--storage.path={tmp_path}", "config.alloy"], tmp_path, variables) as running:
                assert "READY=1" in told()
                assert told() == ["WATCHDOG=1"]
                assert told() == ["WATCHDOG=1"]
                assert running.get("/-/reload", method="POST").status == 200
                seen: list[str] = []
                while "READY=1" not in seen:
                    seen += told()
                assert "RELOADING=1" in seen
                assert any(line.startswith("MONOTONIC_USEC=") for line in seen)
                running.process.terminate()
                while "STOPPING=1" not in told():
                    pass
                assert running.process.wait(30) == 0


class TestKubernetes:
    def test_its_schema_holds(self) -> None:
        validate = pytest.importorskip("kubernetes_validate")
        for one in MANIFESTS:
            validate.validate(one, validate.latest_version(), strict=True)

    @pytest.mark.parametrize("name", ["alloypy", "alloypy-cluster", "alloypy-queue"])
    def test_its_configuration_is_formatted_and_valid(self, name: str, tmp_path: Path) -> None:
        text = manifest("ConfigMap", name)["data"]["config.alloy"]
        (tmp_path / "config.alloy").write_text(text)
        level = "experimental" if "alloypy.queue" in text else "public-preview"
        for command in (
            ["fmt", "--check"],
            ["validate", "--for=alloypy", f"--stability.level={level}"],
        ):
            done = alloypy(*command, "config.alloy", cwd=tmp_path)
            assert done.returncode == 0, done.stderr

    def test_two_replicas_stay_reachable(self) -> None:
        deployment = manifest("Deployment")["spec"]
        labels = deployment["template"]["metadata"]["labels"]
        assert deployment["replicas"] == 2
        assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels.items()
        (container,) = deployment["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for name, wanted in {"alloypy": {"profiles": 9999}, "alloypy-admin": {"admin": 12345}}.items():
            service = manifest("Service", name)["spec"]
            assert service["selector"].items() <= labels.items()
            assert {port["targetPort"]: ports[port["targetPort"]] for port in service["ports"]} == wanted
        assert "--config.watch" in container["args"]

    def test_each_queue_has_a_volume_of_its_own(self) -> None:
        replicas = manifest("StatefulSet", "alloypy-queue")["spec"]
        (volume,) = replicas["volumeClaimTemplates"]
        (container,) = replicas["template"]["spec"]["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts[volume["metadata"]["name"]] == "/var/lib/alloypy"
        assert "--stability.level=experimental" in container["args"]
        labels = replicas["template"]["metadata"]["labels"]
        for name in ("alloypy-queue", replicas["serviceName"]):
            assert manifest("Service", name)["spec"]["selector"].items() <= labels.items()

    def test_the_replicas_of_a_cluster_find_each_other_and_may_read_pods(self) -> None:
        name = "alloypy-cluster"
        replicas, service = manifest("StatefulSet", name)["spec"], manifest("Service", name)["spec"]
        labels = replicas["template"]["metadata"]["labels"]
        assert replicas["replicas"] == 2
        assert replicas["serviceName"] == name
        assert service["clusterIP"] == "None"
        assert service["publishNotReadyAddresses"]
        assert service["selector"].items() <= labels.items()
        assert (
            manifest("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"].items() <= labels.items()
        )
        spec = replicas["template"]["spec"]
        (container,) = spec["containers"]
        assert {"--cluster.enabled", f"--cluster.join-addresses={name}"} <= set(container["args"])
        assert [port["containerPort"] for port in container["ports"]] == [12345]
        binding = manifest("ClusterRoleBinding", "alloypy-discovery")
        role = manifest("ClusterRole", binding["roleRef"]["name"])
        assert [subject["name"] for subject in binding["subjects"]] == [spec["serviceAccountName"]] == [name]
        assert spec["automountServiceAccountToken"]
        assert role["rules"] == [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
        ]


class TestEntryPoint:
    """The script, with an alloypy that prints its arguments."""

    @pytest.fixture
    def container(self, tmp_path: Path) -> Path:
        """A folder that takes the place of the container."""
        for folder in ("bin", "etc"):
            (tmp_path / folder).mkdir()
        (tmp_path / "bin" / "alloypy").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        (tmp_path / "bin" / "alloypy").chmod(0o755)
        script = (DEPLOY / "entrypoint.sh").read_text("utf-8").replace("/etc/alloypy", str(tmp_path / "etc"))
        (tmp_path / "entrypoint").write_text(script)
        return tmp_path

    def enter(self, container: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = f"{container / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command = ["sh", str(container / "entrypoint"), *arguments]
        return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)

    def test_it_runs_the_mounted_configuration(self, container: Path) -> None:
        (container / "etc" / "a.alloy").touch()
        done = self.enter(container, "--config.watch")
        words = done.stdout.splitlines()
        assert (words[0], words[-2:]) == ("run", ["--config.watch", str(container / "etc")])
        assert "--stability.level=public-preview" in words

    def test_it_refuses_to_run_nothing(self, container: Path) -> None:
        done = self.enter(container)
        assert done.returncode == 2
        assert "no *.alloy files" in done.stderr

    def test_it_takes_every_command(self, container: Path) -> None:
        done = self.enter(container, "fmt", "--check", "a b.alloy")
        assert done.stdout.splitlines() == ["fmt", "--check", "a b.alloy"]


def test_only_what_is_needed_goes_into_the_image() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"}
    assert {
        "alloypy",
        "grammar",
        "hatch_build.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    } <= kept
    copied = [line.split()[1] for line in CONTAINERFILE if line.startswith("COPY") and "--from" not in line]
    for name in (*kept, *copied):
        assert (ROOT / name).exists(), name
    assert set(copied) - {"."} <= kept
