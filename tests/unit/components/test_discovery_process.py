"""discovery.process: what it finds out about processes, and how they are joined with containers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy.components.discovery import process as discovery_process
from alloypy.components.discovery.process import joined
from alloypy.components.discovery.process_scan import Processes, Trouble, Wanted, container_of, processes
from alloypy.lang.targets import Target
from tests.support.pipeline import Pipeline, pipeline
from tests.support.waiting import until
from tests.support.watchdog import watching

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
ALL = Wanted(*[True] * len(Wanted._fields))
ID, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a directory of its own."""
    with subprocess.Popen(["sleep", "600"], cwd=tmp_path) as process:
        yield process
        process.kill()


def fake(root: Path, pid: int, **files: str) -> Path:
    folder = root / str(pid)
    folder.mkdir()
    contents = {"cmdline": "x\0", "cgroup": "0::/\n", "status": "Name:\tx\nUid:\t7\t8\t9\t9\n", **files}
    for name, text in contents.items():
        (folder / name).write_text(text)
    for name in ("exe", "cwd"):
        (folder / name).symlink_to(f"/{name}")
    return folder


def labels(found: Processes, pid: int) -> dict[str, str]:
    return dict(found.found[str(pid)].own)


def test_a_real_process(sleeping: subprocess.Popen[bytes], tmp_path: Path) -> None:
    found = labels(processes(ALL, Processes()), sleeping.pid)
    assert found["__meta_process_commandline"] == "sleep 600"
    assert found["__meta_process_cwd"] == str(tmp_path)
    assert found["__meta_process_exe"].endswith(("/sleep", "/coreutils", "/busybox"))
    assert found["__process_pid__"] == str(sleeping.pid)
    assert found["__meta_process_uid"].isdecimal()


def test_what_is_in_proc(tmp_path: Path) -> None:
    cgroup = f"1:a:/x\n2:b:/docker-{ID}.scope\n"
    fake(tmp_path, 12, cmdline="a\0b c\0\0", cgroup=cgroup)
    fake(tmp_path, 7, cmdline="", cgroup="")
    (tmp_path / "self").mkdir()
    found = processes(ALL._replace(username=False), Processes(), str(tmp_path))
    assert list(found.found) == ["7", "12"]
    assert labels(found, 12) == {
        "__process_pid__": "12",
        "__meta_process_exe": "/exe",
        "__meta_process_cwd": "/cwd",
        "__meta_process_commandline": "a b c",
        "__meta_process_uid": "7",
        "__container_id__": ID,
        "__meta_process_cgroup_path": f"1:a:/x|2:b:/docker-{ID}.scope",
    }
    assert labels(found, 7).keys() == {
        "__process_pid__",
        "__meta_process_exe",
        "__meta_process_cwd",
        "__meta_process_uid",
    }


def test_only_what_is_wanted_is_read(tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    found = processes(Wanted(*[False] * 7), Processes(), str(tmp_path))
    assert labels(found, 5) == {"__process_pid__": "5"}


def test_processes_that_end_or_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    (fake(tmp_path, 1) / "exe").unlink()
    (fake(tmp_path, 2) / "cgroup").unlink()
    broken = fake(tmp_path, 3)
    (broken / "cwd").unlink()
    (broken / "cwd").write_text("no link")
    found = processes(ALL, Processes(), str(tmp_path))
    assert found.found == {}
    assert found.troubles == (Trouble("3", f"readlink {broken}/cwd: invalid argument"),)


def test_targets_of_unchanged_processes_stay_the_same(tmp_path: Path) -> None:
    fake(tmp_path, 1)
    changing = fake(tmp_path, 2)
    before = processes(ALL, Processes(), str(tmp_path))
    (changing / "cmdline").write_text("y")
    after = processes(ALL, before, str(tmp_path))
    assert after.found["1"] is before.found["1"]
    assert labels(after, 2)["__meta_process_commandline"] == "y"


@pytest.mark.parametrize(
    ("line", "container"),
    [
        (f"0::/docker/{ID}", ID),
        (f"0::/x/cri-containerd-{ID}.scope/init", ID),
        (f"0::/x/{ID}  ", ID),
        (f"0::/x/{ID}extra", ""),
        (f"0::/{'A' * 64}", ""),
        ("0::/abcdef", ""),
    ],
)
def test_the_container_of_a_cgroup(line: str, container: str) -> None:
    assert container_of(["9:x:/", line]) == container


def test_processes_get_the_labels_of_their_containers() -> None:
    process = Target({"__process_pid__": "1", "__container_id__": ID, "cwd": "/", "a": "process"})
    lonely = Target({"__process_pid__": "2"})
    plain = Target({"b": "1"})
    strange = Target({"__meta_kubernetes_pod_container_id": f"rkt://{ID}", "__meta_docker_container_id": ID})
    lost = Target({"__meta_docker_container_id": ID})
    pod = Target({"__meta_kubernetes_pod_container_id": f"containerd://{ID}", "a": "pod", "cwd": ""})
    other = Target({"__container_id__": OTHER})
    found = joined([process, lonely], [plain, lost, pod, strange, other])
    merged = {
        "__process_pid__": "1",
        "__container_id__": ID,
        "a": "pod",
        "__meta_kubernetes_pod_container_id": f"containerd://{ID}",
    }
    assert found == (plain, strange, Target(merged), lonely, pod, other)


def of(join: str, more: str = "") -> str:
    return f'discovery.process "p" {{\n join = {join}\n{more}}}\n'


def exported(running: Pipeline) -> tuple[Target, ...]:
    targets: tuple[Target, ...] = running.controller.component("", "discovery.process.p").exports.targets
    return targets


async def test_a_change_of_join_shows_within_the_reload(tmp_path: Path) -> None:
    async with pipeline(of('[{ "x" = "1" }]'), tmp_path) as running:
        await until(lambda: len(exported(running)) > 1)
        await running.load(of('[{ "x" = "2" }]'))
        assert exported(running)[0] == Target({"x": "2"})
        assert len(exported(running)) > 1


async def test_new_processes_are_found(tmp_path: Path) -> None:
    text = of("[]", more=' refresh_interval = "50ms"\n')
    async with pipeline(text, tmp_path) as running:
        await until(lambda: exported(running))
        with subprocess.Popen(["sleep", "601"]) as process:
            pid = str(process.pid)
            await until(lambda: pid in {each.own.get("__process_pid__") for each in exported(running)})
            process.kill()
        await until(lambda: pid not in {each.own.get("__process_pid__") for each in exported(running)})


async def test_the_last_targets_stay_while_processes_cannot_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "proc"
    root.mkdir()
    fake(root, 1)
    monkeypatch.setattr(discovery_process, "_ROOT", str(root))
    async with pipeline(of("[]", more=' refresh_interval = "50ms"\n'), tmp_path) as running:
        await until(lambda: len(exported(running)) == 1)
        root.rename(tmp_path / "away")
        await until(lambda: "failed to list pids" in health(running))
        assert len(exported(running)) == 1
        (tmp_path / "away").rename(root)
        await until(lambda: "failed" not in health(running))
        assert len([line for line in running.log.lines if "failed to list pids" in line]) == 1


def health(running: Pipeline) -> str:
    return running.controller.component("", "discovery.process.p").health.message


async def test_an_interval_that_is_not_positive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="refresh_interval must be greater than 0"):
        async with pipeline(of("[]", more=' refresh_interval = "0s"\n'), tmp_path):
            pass


async def test_joining_with_many_does_not_hold_the_loop(tmp_path: Path) -> None:
    text = of("[" + ", ".join(f'{{ "__container_id__" = "{n:064x}" }}' for n in range(1_000)) + "]")
    with watching():
        async with pipeline(text, tmp_path) as running:
            await until(lambda: len(exported(running)) > 1_000)
