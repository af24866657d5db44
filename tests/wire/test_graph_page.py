"""The graph page of a real process: as a page, as files, below a prefix, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from tests.support.running import Running, free_port

CONFIG = """
declare "sink" {
  argument "password" { }
  pyroscope.write "inner" {
    endpoint {
      url = "http://user:hush@localhost:9"
      basic_auth {
        username = "u"
        password = argument.password.value
      }
    }
  }
  export "receiver" {
    value = pyroscope.write.inner.receiver
  }
}
sink "all" {
  password = "hush"
}
pyroscope.receive_http "in" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = PORT
  }
  forward_to = [sink.all.receiver]
}
discovery.file "alone" {
  files = ["*.json"]
}
local.file "gone" {
  filename = "gone.txt"
  poll_frequency = "100ms"
}
"""
PREFIX = "/a/b/"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("graph")
    (folder / "gone.txt").write_text("x")
    config = CONFIG.replace("PORT", str(free_port())).replace("gone.txt", str(folder / "gone.txt"))
    (folder / "config.alloy").write_text(config)
    flags = [
        "--stability.level=public-preview",
        f"--server.http.ui-path-prefix={PREFIX}",
        "--storage.path=data",
        "config.alloy",
    ]
    with Running(flags, folder) as started:
        started.wait_until_ready()
        (folder / "gone.txt").unlink()
        yield started


def drawing(page: str) -> ET.Element:
    found = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    assert found is not None
    return ET.fromstring(found[0])


def boxes(page: str) -> list[str]:
    return [each.get("data-id", "") for each in drawing(page).iter() if each.get("data-id")]


def page(running: Running, path: str) -> str:
    reply = running.get(PREFIX + path)
    assert reply.status == 200
    assert "hush" not in reply.text
    return reply.text


def test_the_page_shows_everything_without_scripts(running: Running) -> None:
    whole = page(running, "graph")
    assert boxes(whole) == [
        "sink.all",
        "pyroscope.receive_http.in",
        "discovery.file.alone",
        "local.file.gone",
        "sink.all/pyroscope.write.inner",
    ]
    arrows = [(each.get("data-from"), each.get("data-to")) for each in drawing(whole).iter()]
    assert ("pyroscope.receive_http.in", "sink.all") in arrows
    assert "pyroscope.receive_http.in\n└─ sink.all" in whole
    assert "<style" not in whole
    for address in re.findall(r'(?:src|href)="(static/[^"]+)"', whole):
        assert running.get(PREFIX + address).status == 200


def test_a_module_and_a_pipeline_have_their_own_graph(running: Running) -> None:
    assert boxes(page(running, "graph/sink.all")) == ["sink.all/pyroscope.write.inner"]
    one = page(running, "graph?pipeline=pyroscope.receive_http.in")
    assert "discovery.file.alone" not in boxes(one)
    assert running.get(f"{PREFIX}graph/no.such").status == 404


def test_an_unhealthy_component_is_marked(running: Running) -> None:
    running.wait_for_log("gone.txt")
    state = json.loads(page(running, "api/v0/alloypy/graph"))
    assert "gone.txt" in state["unhealthy"]["local.file.gone"]
    assert len(state["ids"]) == 5
    (bad,) = (
        each for each in drawing(page(running, "graph")).iter() if "is-unhealthy" in each.get("class", "")
    )
    assert bad.get("data-id") == "local.file.gone"


def test_the_graph_is_offered_as_files(running: Running) -> None:
    whole = page(running, "graph")
    starts = {"svg": "<svg", "mermaid": "flowchart", "dot": "digraph"}
    for name, start in starts.items():
        address = f"api/v0/alloypy/graph?as={name}"
        assert f'href="{address}"' in whole
        assert page(running, address).startswith(start)
        assert "pyroscope.write.inner" not in page(running, f"{address}&pipeline=without+a+pipeline")
    assert running.get(f"{PREFIX}api/v0/alloypy/graph?as=png").status == 400
    assert running.get(f"{PREFIX}api/v0/alloypy/graph?module=no.such").status == 404
