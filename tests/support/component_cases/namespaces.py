"""Cases that need a network, processes or files of their own, in name spaces that only root can make."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.component_cases import certificates
from tests.support.component_cases.driving import Given, grouped, replayed
from tests.support.component_cases.observing import in_order

_ROOT = Path(__file__).parents[3]
_TIMEOUT_SECONDS = 400.0
_HELPERS = Path("/tmp/rec-helper")
"""Where the helper processes run; recorded in the cases."""

Results = dict[str, list[dict[str, Any]]]


class Helper(NamedTuple):
    """A process that discovery.process is to find."""

    name: str
    program: str
    arguments: Sequence[str]
    cgroup: str
    directory: str = "."
    first: str = ""
    user: int = 0


HELPERS = (
    Helper("alpha", "alpha-app", ["900"], "0::/user.slice/session-1.scope\n"),
    Helper("beta", "beta app", ["901", "902"], "0::/\n", directory="work dir"),
    Helper("gamma", "gamma", ["903"], "", first="renamed argv zero", user=65534),
    Helper("delta", "delta", ["904"], "0::/short/abcdef0123456789\n", user=4242),
    Helper("epsilon", "epsilon", ["905"], f"0::/system.slice/docker-{'e' * 64}.scope\n"),
    Helper(
        "zeta",
        "zeta",
        ["906"],
        f"12:cpu,cpuacct:/kubepods/besteffort/pod1/{'2' * 64}\n1:name=systemd:/kubepods/other/{'3' * 64}\n",
    ),
    Helper("eta", "eta", ["907"], f"0::/kubepods.slice/cri-containerd-{'7' * 64}.scope/init\n"),
    Helper("theta", "theta", ["908"], f"0::/x/{'8' * 64}extra\n1::/UPPER/{'A' * 64}\n"),
)


def replayed_apart(group: Sequence[Given], folder: Path) -> Results:
    """What is seen of the cases of a group in name spaces of their own."""
    kind: str = group[0]["ns"]
    place = folder / f"apart-{group[0]['id']}"
    place.mkdir()
    (place / "cases.json").write_text(json.dumps(group))
    flags = ["-nmpf", "--mount-proc"] if kind == "proc" else ["-nm"]
    command = [sys.executable, "-m", "tests.support.component_cases.namespaces", kind, str(place)]
    subprocess.run(["unshare", *flags, *command], cwd=_ROOT, check=True, timeout=_TIMEOUT_SECONDS)
    found: Results = json.loads((place / "results.json").read_text())
    return found


def _over_dns(cases: Sequence[Given], place: Path) -> Results:
    from tests.support.component_cases.dns_stub import Stub

    stub = Stub()
    settings = place / "resolv.conf"
    settings.write_text(cases[0].get("resolv", "nameserver 127.0.0.1\n"))
    subprocess.run(["mount", "--bind", settings, Path("/etc/resolv.conf").resolve()], check=True)
    for case in cases:
        stub.add(case.get("zone") or {})
    found = replayed(cases, place)
    for case in cases:
        names = {key.lower().split(" ")[0] for key in case.get("zone") or {}} | set(
            case.get("zone_names", [])
        )
        if case.get("observe_dns") and found[case["id"]]:
            asked = {json.dumps(each) for each in stub.asked if each[0].lower() in names}
            found[case["id"]][-1]["dns_queries"] = [json.loads(each) for each in sorted(asked)]
    return found


def _with_service_account(cases: Sequence[Given], place: Path) -> Results:
    """With the files that a pod has."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    folder = Path("/run/secrets/kubernetes.io/serviceaccount")
    folder.mkdir(parents=True)
    for name, text in (("token", "sa-token"), ("ca.crt", certificates.CA), ("namespace", "team-a")):
        (folder / name).write_text(text)
    return replayed(cases, place)


def _beside_processes(cases: Sequence[Given], place: Path) -> Results:
    _HELPERS.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "none", _HELPERS], check=True
    )  # others may run the same beside us
    helpers = {each.name: _started(each) for each in HELPERS}
    time.sleep(0.3)
    try:
        for each in HELPERS:
            cgroup = place / f"cgroup-{each.name}"
            cgroup.write_text(each.cgroup)
            subprocess.run(["mount", "--bind", cgroup, f"/proc/{helpers[each.name].pid}/cgroup"], check=True)
        found = replayed(cases, place)
    finally:
        for process in helpers.values():
            process.kill()
            process.wait()
    numbers = {str(process.pid): name for name, process in helpers.items()}
    for phase in (phase for phases in found.values() for phase in phases):
        for component in (phase.get("components") or {}).values():
            _keep_helpers(component, numbers)
    return found


def _keep_helpers(component: dict[str, Any], numbers: Mapping[str, str]) -> None:
    """Leave out the targets that are neither helpers nor joined."""
    kept = []
    for target in component.get("exports", {}).get("targets") or []:
        number = target.get("__process_pid__")
        if number in numbers:
            target["__process_pid__"] = f"@PID:{numbers[number]}@"
            kept.append(target)
        elif number is None or "join_" in json.dumps(target):
            kept.append(target)
    component.setdefault("exports", {})["targets"] = in_order(kept)


def _started(helper: Helper) -> subprocess.Popen[bytes]:
    folder = _HELPERS / helper.name
    directory = folder / helper.directory
    directory.mkdir(parents=True, exist_ok=True)
    program = folder / helper.program
    shutil.copy(Path("/bin/sleep").resolve(), program)

    who = helper.user or None
    command = [helper.first or str(program), *helper.arguments]
    return subprocess.Popen(
        command, executable=program, cwd=directory, stdin=subprocess.DEVNULL, user=who, group=who
    )


_KINDS = {"dns": _over_dns, "sa": _with_service_account, "proc": _beside_processes}


def main(kind: str, place: Path) -> None:
    """Run in the name spaces: replay the cases of a folder."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    cases = json.loads((place / "cases.json").read_text())
    found: Results = {}
    for number, group in enumerate(grouped(cases)):
        inner = place / str(number)
        inner.mkdir()
        found |= _KINDS[kind](group, inner)
    (place / "results.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
