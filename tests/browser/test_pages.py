"""Every page in Chromium, below a prefix: what it shows, filter, keyboard, colour schemes, accessibility."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.editing import needs
from tests.support.node_packages import node_packages
from tests.support.pages_to_see import in_chromium, pages_to_see
from tests.support.web_pages import PAYLOADS

HERE = Path(__file__).parent
PREFIX = "/a/b/"
PAGES = ["", "component/pyroscope.relabel.rules", "graph", "live", "flame", "modules", "config", "about"]
NARROW_PIXELS = 320
SECONDS = 240

pytestmark = pytest.mark.timeout(SECONDS + 400)  # the first run installs packages


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a visit to each page saw."""
    needs("node", "chromium")
    packages = node_packages()
    folder = tmp_path_factory.mktemp("pages")
    with pages_to_see(folder, PREFIX) as shown:
        done = in_chromium(
            packages, HERE / "visit.mjs", shown.address, shown.receiver, json.dumps(PAYLOADS), seconds=SECONDS
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole(visits: dict[str, Any], path: str) -> None:
    visit = visits[path]
    assert "failed" not in visit, visit
    assert visit["status"] == 200
    assert visit["errors"] == []
    assert "unsafe" not in visit["policy"]
    assert "default-src" in visit["policy"]
    assert visit["narrow"] <= NARROW_PIXELS
    assert visit["broken"] == []
    outside = [each for each in visit["links"] if PREFIX not in each]
    assert all(each.endswith(("/metrics", "/-/ready", "/-/healthy")) for each in outside), outside


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible(visits: dict[str, Any], path: str, scheme: str) -> None:
    assert visits[path][scheme] == []


def test_components_are_found_by_typing(visits: dict[str, Any]) -> None:
    seen = visits[""]["seen"]
    assert sorted(seen["all"]) == [
        "pyroscope.receive_http.default",
        "pyroscope.relabel.rules",
        "pyroscope.write.backend",
        "pyroscope.write.inner",
        "sending.module",
    ]
    assert (seen["focused"], seen["filtered"]) == ("filter", ["pyroscope.write.inner"])
    assert seen["next"] == "pyroscope.write.inner"
    assert seen["kept"] == [["pyroscope.write.inner"], ["pyroscope.write (2)"], "ascending"]


def test_rows_out_of_sight_are_not_drawn_but_read_and_found(visits: dict[str, Any]) -> None:
    unseen = visits[""]["seen"]["unseen"]
    assert unseen == {"drawn": False, "cells": 7, "linked": True, "columns": 7, "found": True}


def test_many_rows_come_back_in_two_steps_unless_the_filter_changes_again(visits: dict[str, Any]) -> None:
    assert visits[""]["seen"]["many"] == [0, 100, 154, 0, 0, 0]


def test_a_component_shows_its_rules_and_neighbours(visits: dict[str, Any]) -> None:
    seen = visits["component/pyroscope.relabel.rules"]["seen"]
    assert seen["title"] == ["pyroscope.relabel.rules"]
    assert {"Rules", "Arguments", "Exports", "Connections"} <= set(seen["sections"])
    assert "config.alloy:13:1" in seen["text"]
    assert "drop.*" in seen["text"]


def test_the_graph_names_what_data_flows_through(visits: dict[str, Any]) -> None:
    assert visits["graph"]["seen"]["chosen"] == ["pyroscope.relabel.rules"]
    shown = " ".join(visits["graph"]["seen"]["nodes"])
    for name in ("receive_http", "relabel", "write"):
        assert name in shown


def test_profiles_are_seen_live_and_selected_by_the_server(visits: dict[str, Any]) -> None:
    seen = visits["live"]["seen"]
    assert seen["pressed"] == "true"
    assert "1" in seen["selected"]
    assert seen["link"].startswith("flame?p=")
    assert seen["match"] == '{service_name="kept"}'
    assert "main" in seen["graph"]["text"]
    assert (seen["graph"]["light"], seen["graph"]["dark"]) == ([], [])


def test_other_pages_say_what_they_are_for(visits: dict[str, Any]) -> None:
    for path, words in {
        "flame": "Choose profiles",
        "modules": "sending.module",
        "config": 'pyroscope.write "backend"',
        "about": "/-/ready",
    }.items():
        assert words in visits[path]["seen"]["text"]
    assert visits["config"]["seen"]["forms"] == ["Reload"]


def test_payloads_in_received_profiles_stay_texts(visits: dict[str, Any]) -> None:
    """They are labels and names of functions, sent as agents send them."""
    seen = visits["hostile"]
    assert "failed" not in seen, seen
    assert seen["statuses"] == [200] * len(PAYLOADS)
    for page in ("live", "merged"):
        assert seen[page] == {"missing": [], "markup": []}
    assert seen["single"] == [[], []]
    assert seen["errors"] == []
