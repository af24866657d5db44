"""The admin API of a running process, against answers recorded from Alloy.

While live debugging is on, alloypy shows what passes the components for profiles; Alloy never does. While it
is off, everything is as recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import Running, free_port

RECORDED = Path(__file__).parents[1] / "golden" / "runtime" / "api"
PORT = "21930"
PASSWORD = "hush-hush"


LIVE = "enabled = true"


@pytest.fixture(scope="module", params=[LIVE, "enabled = false"], ids=["live", "not live"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The recorded configuration, with the file that holds the password."""
    text = (RECORDED / "config.alloy").read_text()
    assert LIVE in text
    text = text.replace(LIVE, request.param)
    folder = tmp_path_factory.mktemp("api")
    (folder / "token.txt").write_text(PASSWORD)
    (folder / "config.alloy").write_text(text.replace(PORT, str(free_port())))
    with Running(["--stability.level=public-preview", "config.alloy"], folder) as process:
        yield process.wait_until_ready()
        assert process.stop() == 0


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def expected(running: Running, name: str) -> Any:
    """What was recorded, with the difference."""
    answer = recorded(name)
    for each in answer if isinstance(answer, list) else [answer]:
        assert each["liveDebuggingEnabled"] is False
        each["liveDebuggingEnabled"] = is_live(running) and each["name"].startswith("pyroscope.")
    return answer


def is_live(running: Running) -> bool:
    """Whether live debugging is on, as the stream of a component that has none says."""
    return "is disabled" not in running.get("/api/v0/web/debug/local.file.token").text


def comparable(value: Any) -> Any:
    """The text without what differs from run to run: times, IDs and ports."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("key") == "X-Alloy-Id":
        return {"key": "X-Alloy-Id"}
    if value.get("name") == "listen_port":
        return {"name": "listen_port", "type": value["type"]}
    dropped = ("updatedTime", "message")
    return {key: comparable(item) for key, item in value.items() if key not in dropped}


def by_id(components: list[Any]) -> list[Any]:
    return sorted(comparable(components), key=lambda component: str(component["localID"]))


def test_both_cases_are_what_they_say(running: Running, request: pytest.FixtureRequest) -> None:
    assert is_live(running) == ("not live" not in request.node.name)


def test_the_list_is_as_recorded(running: Running) -> None:
    assert by_id(running.json("/api/v0/web/components")) == by_id(expected(running, "components"))


def test_a_modules_list_is_as_recorded(running: Running) -> None:
    actual = running.json("/api/v0/web/modules/sink.a/components")
    assert by_id(actual) == by_id(expected(running, "modules_sink.a_components"))


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ("local.file.token", "component_local_file_token"),
        ("pyroscope.receive_http.default", "component_pyroscope_receive_http_default"),
        ("pyroscope.relabel.r", "component_pyroscope_relabel_r"),
        ("pyroscope.write.local", "component_pyroscope_write_local"),
        ("sink.a", "component_sink_a"),
        ("sink.a/pyroscope.write.inner", "component_sink_a_pyroscope_write_inner"),
    ],
)
def test_a_detail_is_as_recorded(running: Running, component: str, name: str) -> None:
    actual = running.json(f"/api/v0/web/components/{component}")
    assert comparable(actual) == comparable(expected(running, name))
    assert list(actual) == list(recorded(name))
    assert PASSWORD not in json.dumps(actual)


def test_peers_and_remote_configuration_are_as_recorded(running: Running) -> None:
    (peer,) = running.json("/api/v0/web/peers")
    (alloys,) = recorded("peers")
    assert list(peer) == list(alloys)
    assert (peer["isSelf"], peer["state"], peer["addr"]) == (True, alloys["state"], running.address)
    assert running.json("/api/v0/web/remotecfg/components") == recorded("remotecfg_components")


def families(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Type and label names of each family."""
    found: dict[str, tuple[str, set[str]]] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            found[name] = (kind, set())
        elif not line.startswith("#"):
            sample, _, rest = line.partition("{")
            owner = re.sub(r"_(bucket|sum|count)$", "", sample.split()[0])
            labels = re.findall(r'(\w+)="', rest)
            if owner in found:
                found[owner][1].update(labels)
            elif sample.split()[0] in found:
                found[sample.split()[0]][1].update(labels)
    return {name: (kind, frozenset(labels)) for name, (kind, labels) in found.items()}


def test_metrics_have_alloys_names_types_and_labels(running: Running) -> None:
    ours = families(running.get("/metrics").text)
    alloys = families((RECORDED / "metrics.txt").read_text())
    wanted = {
        name
        for name in alloys
        if name.startswith(("alloy_", "local_", "pyroscope_re", "pyroscope_f", "process_", "net_"))
        and not name.startswith(("alloy_labelstore_", "process_network_", "process_virtual_memory_max"))
    }
    assert {name: ours.get(name) for name in wanted} == {name: alloys[name] for name in wanted}
