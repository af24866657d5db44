"""Runs cases in processes of alloypy: several in one, if they can live together."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.component_cases import observing
from tests.support.component_cases.case import Case
from tests.support.component_cases.profiles import body_of, push_request
from tests.support.component_cases.servers import Server, serve
from tests.support.running import Running

MOST = 45
_LOAD_SECONDS = 60.0
_UNTIL_SECONDS = 25.0
Given = Mapping[str, Any]


def grouped(cases: Sequence[Given]) -> list[list[Given]]:
    """The cases in groups that can share a process."""
    groups: list[list[Given]] = []
    together: dict[Any, list[Given]] = {}
    for case in cases:
        if case.get("solo") or case.get("args") or case.get("environ"):
            groups.append([case])
            continue
        phases = case["phases"]
        wait = round(max(phase.get("wait", 0) for phase in phases) / 6)
        shared = (case.get("ns", ""), case.get("batch", ""), case.get("resolv", ""), len(phases), wait)
        together.setdefault(shared, []).append(case)
    for group in together.values():
        groups += [group[at : at + MOST] for at in range(0, len(group), MOST)]
    return groups


def replayed(group: Sequence[Given], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What is seen of each case of a group; one that does not load is split."""
    place = folder / f"{group[0]['id']}-{len(group)}"
    place.mkdir()
    run = _Run(group, place)
    if run.loaded or len(group) == 1:
        return {case.id: case.result for case in run.cases}
    half = len(group) // 2
    return replayed(group[:half], folder) | replayed(group[half:], folder)


class _Run:
    """One process with one or more cases. loaded: whether the first load succeeded."""

    def __init__(self, group: Sequence[Given], folder: Path) -> None:
        self._folder = folder
        self.cases = [Case(each, folder) for each in group]
        self._servers: dict[str, dict[str, Server]] = {case.id: {} for case in self.cases}
        self.loaded = False
        with contextlib.ExitStack() as stack:
            stack.callback(self._close_servers)
            for case in self.cases:
                self._serve(case)
            self._run(stack)

    def _serve(self, case: Case) -> None:
        case.change_files(case.phases[0] if "files" in case.phases[0] else {}, first=True)
        for name, given in sorted((case.given.get("servers") or {}).items()):
            server = self._servers[case.id][name] = serve(case, name, given)
            case.ports[name] = server.port
        case.change_files({"files": case.given.get("files") or {}}, first=True)

    def _close_servers(self) -> None:
        for servers in self._servers.values():
            for server in servers.values():
                server.close()

    def _write_config(self, phase: int) -> Path:
        path = self._folder / "config.alloy"
        path.write_text("\n".join(case.config(phase) for case in self.cases) + "\n")
        return path

    def _run(self, stack: contextlib.ExitStack) -> None:
        path = self._write_config(0)
        more = [each for case in self.cases for each in case.given.get("args", [])]
        level = [] if any("--stability" in each for each in more) else ["--stability.level=experimental"]
        environ = {"HOME": "/home/user"}
        for case in self.cases:
            environ |= {k: case.filled(v) for k, v in (case.given.get("environ") or {}).items()}
        arguments = [str(path), f"--storage.path={self._folder / 'data'}", *level, *more]
        where = self.cases[0].folder if len(self.cases) == 1 else self._folder
        running = stack.enter_context(Running(arguments, where, env=environ))
        self.loaded = _loads(running)
        if not self.loaded:
            self.cases[0].result = [
                {"exit": running.process.poll(), "diag": self._said(self.cases[0], running)}
            ]
            return
        began = time.monotonic()
        for phase in range(max(len(case.phases) for case in self.cases)):
            if phase:
                began = self._next_phase(running, phase)
            else:
                self._reloaded: dict[str, Any] = {}
            self._wait(running, phase, began)
            self._observe(running, phase)

    def _live(self, phase: int) -> list[Case]:
        return [case for case in self.cases if phase < len(case.phases)]

    def _next_phase(self, running: Running, number: int) -> float:
        """Change files, servers and the configuration; returns when."""
        live = self._live(number)
        for case in live:
            case.log_from = len(running.log)
            phase = case.phases[number]
            servers = self._servers[case.id]
            if phase.get("forget"):
                for server in servers.values():
                    server.got.clear()
            case.change_files(phase)
            for name, update in (phase.get("servers") or {}).items():
                servers[name].change(update)
            for name in phase.get("stop", []):
                servers[name].close()
        self._reloaded = {}
        if any(case.phases[number].get("config") is not None for case in live):
            self._write_config(number)
            reply = running.get("/-/reload", "POST")
            self._reloaded = {"status": reply.status, "text": reply.text}
        return time.monotonic()

    def _wait(self, running: Running, number: int, began: float) -> None:
        """Wait as the recording did, send what is to be sent, and wait for what should arrive."""
        phases = [(case, case.phases[number]) for case in self._live(number)]
        wait = max(phase.get("wait", 0) for _, phase in phases)
        while time.monotonic() < began + wait and running.process.poll() is None:
            time.sleep(0.05)
        for case, phase in phases:
            for message in phase.get("send", []):
                case.answers.append(_sent(case, message))
        if any(phase.get("send") for _, phase in phases):
            time.sleep(1.2)
        end = time.monotonic() + _UNTIL_SECONDS
        awaited = [
            (self._servers[c.id][name], n) for c, p in phases for name, n in (p.get("until") or {}).items()
        ]
        while time.monotonic() < end and any(len(server.got) < count for server, count in awaited):
            time.sleep(0.05)
        if awaited:
            time.sleep(0.4)

    def _observe(self, running: Running, number: int) -> None:
        page = None
        for case in self._live(number):
            wanted = {**(case.given.get("observe") or {}), **(case.phases[number].get("observe") or {})}
            if running.process.poll() is not None:
                ended = {"died": running.process.poll(), "diag": self._said(case, running)}
                case.result.append(ended)
                continue
            if wanted.get("metrics") and page is None:
                page = running.get("/metrics").text
            case.result.append(dict(self._seen(case, running, wanted, page or "")))

    def _seen(self, case: Case, running: Running, wanted: Given, page: str) -> Iterator[tuple[str, Any]]:
        servers = self._servers[case.id]
        if self._reloaded and case.given.get("solo"):
            yield "reload", case.written(self._reloaded)
        names = wanted.get("components", [])
        found = {case.written(name): observing.component(case, running, name, wanted) for name in names}
        if found:
            yield "components", found
        if wanted.get("metrics"):
            yield "metrics", observing.metrics(case, page, wanted)
        if wanted.get("log"):
            yield "log", observing.log(case, "\n".join(running.log[case.log_from :]), wanted)
        if case.answers:
            yield "answers", case.written(case.answers)
            case.answers = []
        if wanted.get("requests"):
            asked = wanted["requests"].items()
            yield "requests", {name: observing.requests(case, servers[name], each) for name, each in asked}
        if wanted.get("sink"):
            sinks = wanted["sink"].items()
            yield "sink", {name: observing.profiles(case, servers[name], each) for name, each in sinks}

    def _said(self, case: Case, running: Running) -> Any:
        """What an ended process has said besides its log."""
        running.wait()
        kept = [line.rstrip() for line in running.log if not line.startswith(("ts=", '{"ts"'))]
        return case.written("\n".join(kept).strip())


def _loads(running: Running) -> bool:
    """Whether the process becomes ready."""
    end = time.monotonic() + _LOAD_SECONDS
    while time.monotonic() < end and running.process.poll() is None:
        with contextlib.suppress(OSError):
            if running.get("/-/ready").status == 200:
                return True
        time.sleep(0.02)
    return False


def _sent(case: Case, message: Given) -> list[Any]:
    """Send profiles to a receiver of alloypy; what it answers."""
    connection = http.client.HTTPConnection("127.0.0.1", case.ports[message["port"]], timeout=10)
    try:
        if "series" in message:
            body = push_request(message["series"], case.filled)
            headers = {"Content-Type": "application/proto"}
            connection.request("POST", "/push.v1.PusherService/Push", body, headers)
        else:
            body = body_of(message["body"], case.filled)
            connection.request("POST", case.filled(message["path"]), body, message.get("headers", {}))
        answer = connection.getresponse()
        return [answer.status, answer.read().decode("utf-8", "replace")[:300]]
    except OSError as error:
        return [type(error).__name__]
    finally:
        connection.close()
