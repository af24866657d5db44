"""The flame page in a real browser: contents, keyboard, links, downloads, hostile names, accessibility."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.browser.test_scripts import ROOT, node
from tests.cli.test_view_command import viewing
from tests.support.editing import needs
from tests.support.node_packages import node_packages

HOSTILE = "<img src=x onerror=alert(1)>"
BEFORE = f"main;{HOSTILE} 10\nmain;gone 5\nmain;idle 3\n"
AFTER = f"main;{HOSTILE} 20\nmain;new 5\nmain;idle 1\n"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a person sees who uses the page."""
    needs("node", "npm", "chromium")
    folder = tmp_path_factory.mktemp("profiles")
    files = {"before.folded": BEFORE, f"{HOSTILE.replace('/', '')}.folded": AFTER}
    files |= {"java.jfr": "FLR\0 and more", "damaged.pb.gz": "\x1f\x0b and more"}
    for name, content in files.items():
        (folder / name).write_text(content, "latin-1")
    (folder / "damaged.pb.gz").write_bytes(b"\x1f\x8b and more")
    paths = [ROOT / "examples" / "demo" / "checkout.pprof", *(folder / name for name in files)]
    with viewing(*map(str, paths)) as root:
        chromium = shutil.which("chromium") or ""
        return json.loads(node("flame_page.mjs", str(node_packages()), chromium, root))


def test_it_shows_graph_table_and_where_one_is(seen: Any) -> None:
    assert seen["about"].startswith("cpu 2.01 s · 146 samples")
    assert seen["rows"] == 92
    assert seen["first"][1:] == ["500000000 nanoseconds", "500000000 nanoseconds"]
    assert (seen["matched"], seen["filtered"]) == ("20.90 % matched", "3 functions")
    assert seen["match"].startswith("sort.pdqsort_func — 20.90 % total (420 ms)")
    assert seen["walked"].startswith("main.handleCheckout — 97.01 % total (1.95 s), 0.50 % self (10.0 ms)")
    assert seen["between"] == "main.handleCheckout"
    assert "Callers and callees" in seen["help"]


def test_a_link_reproduces_it(seen: Any) -> None:
    assert seen["link"] == ["main.handleCheckout", "SORT*func", "20.90 % matched"]


def test_it_saves_the_picture_and_the_profile_as_it_came(seen: Any) -> None:
    name, svg = seen["svg"]
    assert name == "flame.svg"
    assert svg.startswith("<svg ")
    assert "<script" not in svg
    assert "handleCheckout" in svg
    assert seen["pprof"] == (ROOT / "examples" / "demo" / "checkout.pprof").stat().st_size


def test_a_comparison_says_what_changed(seen: Any) -> None:
    changes = dict(seen["changes"])
    assert (changes["new"], changes["gone"], changes["idle"]) == ("new", "gone", "-12.82")
    assert changes[HOSTILE] == "+21.37"
    assert seen["gone"] == "2 functions"
    assert seen["swapped"].endswith(".folded")
    assert "before.folded compared with" in seen["swapped"]


def test_several_profiles_are_merged_on_a_narrow_screen(seen: Any) -> None:
    assert seen["merged"] == "30 count"
    assert seen["overflow"] <= 320


def test_what_cannot_be_shown_is_a_sentence(seen: Any) -> None:
    assert "JDK Mission Control" in seen["jfr"]
    assert seen["damaged"] == "It is damaged: gzip cannot unpack it."
    assert seen["none"] == "Profile 99 is no longer kept."


def test_it_is_accessible_and_has_no_faults(seen: Any) -> None:
    assert (seen["violations"], seen["darkViolations"]) == ([], [])
    # The browser itself tells that there is no profile 99.
    assert [fault for fault in seen["faults"] if "404" not in fault] == []


def test_every_script_of_the_page_is_reached_from_it() -> None:
    reached, waiting = set(), ["flame.js"]
    static = ROOT / "alloypy" / "services" / "web" / "static"
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            text = (static / name).read_text("utf-8")
            waiting += [path.name for path in static.glob("*.js") if f'"./{path.name}"' in text]
    assert {path.name for path in static.glob("flame*.js")} <= reached
