"""The formats of pictures: what they contain, and that no name breaks them."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from alloypy.drawing.data import data
from alloypy.drawing.dot import dot
from alloypy.drawing.focus import focused, matching
from alloypy.drawing.layout import laid_out
from alloypy.drawing.mermaid import mermaid
from alloypy.drawing.names import MOST_COLUMNS, columns, shortened
from alloypy.drawing.picture import Arrow, Box, Group, Kind, Picture
from alloypy.drawing.svg import svg
from alloypy.drawing.text import text
from tests.support.drawing import HOSTILE, hostile, picture, pipelines_picture

BRANCHING = picture(
    ["r.a", "m.a", "m.b", "w.a", "w.b", "x.alone"],
    [("r.a", "m.a"), ("r.a", "m.b"), ("m.a", "w.a"), ("m.b", "w.a"), ("m.b", "w.b")],
)
SVG = "{http://www.w3.org/2000/svg}"


def elements(drawn: Picture) -> ET.Element:
    return ET.fromstring(svg(laid_out(drawn)))


def test_svg_has_a_title_and_selectable_text_for_each_box() -> None:
    root = elements(BRANCHING)
    boxes = [each for each in root.iter(f"{SVG}g") if each.get("class", "").startswith("box")]
    titles = [each.findtext(f"{SVG}title") for each in boxes]
    assert sorted(map(str, titles)) == sorted(box.id for box in BRANCHING.boxes)
    assert [line.text for line in boxes[0].findall(f"{SVG}text")] == ["r", "a"]
    assert root.findtext(f"{SVG}title") == "test"
    assert "prefers-color-scheme:dark" in str(root.findtext(f"{SVG}style"))


def test_svg_in_a_page_has_no_style_of_its_own_and_links() -> None:
    drawn = Picture("t", [Box("a.b", "a", "b", link="component/a.b")])
    shown = svg(laid_out(drawn), style=False)
    root = ET.fromstring(shown)
    assert [each.get("href") for each in root.iter(f"{SVG}a")] == ["component/a.b"]
    assert "<style" not in shown
    assert root.get("role") == "group"  # what an image contains cannot be reached


def test_hostile_names_stay_text_in_svg() -> None:
    root = elements(hostile())
    allowed = {"svg", "title", "style", "defs", "marker", "path", "g", "rect", "text"}
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == allowed
    assert not [name for each in root.iter() for name in each.keys() if name.startswith("on")]  # noqa: SIM118


def test_hostile_names_stay_labels_in_mermaid() -> None:
    lines = mermaid(hostile()).splitlines()
    boxes, groups = len(HOSTILE), len(HOSTILE)
    assert len(lines) == 1 + boxes + 2 * groups + 4 + 2
    for line in lines[1:-2]:
        assert line.count('"') in {0, 2}
        assert "<script" not in line
        assert "%%{" not in line


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize(
    "drawn", [hostile(), BRANCHING, Picture("empty", [])], ids=["hostile", "small", "empty"]
)
def test_graphviz_reads_dot(drawn: Picture) -> None:
    done = subprocess.run(
        ["dot", "-Tjson0"], check=False, input=dot(drawn).encode(), capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    read = json.loads(done.stdout)
    nodes = [each for each in read.get("objects", ()) if not each["name"].startswith("cluster")]
    assert len(nodes) == len(drawn.boxes)
    assert len(read.get("edges", ())) == len(drawn.arrows)


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
def test_graphviz_reads_a_thousand_components() -> None:
    """`canon` reads everything and lays out nothing."""
    done = subprocess.run(
        ["dot", "-Tcanon"],
        check=False,
        input=dot(pipelines_picture(1000)).encode(),
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_json_says_which_boxes_form_a_pipeline() -> None:
    read = json.loads(data(BRANCHING))
    pipelines = {each["id"]: each["pipeline"] for each in read["nodes"]}
    assert pipelines == {"r.a": 0, "m.a": 0, "m.b": 0, "w.a": 0, "w.b": 0, "x.alone": 1}
    assert read["edges"][0] == {"from": "r.a", "to": "m.a", "carries": "profiles", "is_data": True}


def test_text_is_a_tree_in_which_repeated_branches_are_listed_once() -> None:
    drawn = picture(
        ["r.a", "m.a", "m.b", "m.c", "w.a", "x.alone"],
        [("r.a", "m.a"), ("r.a", "m.b"), ("m.a", "m.c"), ("m.b", "m.c"), ("m.c", "w.a")],
    )
    assert text(drawn) == ("r.a\n├─ m.a\n│  └─ m.c\n│     └─ w.a\n└─ m.b\n   └─ m.c ↑\n\nx.alone\n")
    assert "`- m.c ^" in text(drawn, ascii_only=True)
    assert text(drawn, ascii_only=True).isascii()


def test_text_lists_what_goes_round_in_a_circle() -> None:
    drawn = picture(["m.a", "m.b"], [("m.a", "m.b"), ("m.b", "m.a")])
    assert text(drawn) == "m.a\n└─ m.b\n   └─ m.a ↑\n"


def test_long_chains_as_trees_are_as_long_as_what_they_show() -> None:
    names = [f"m.a{number}" for number in range(3000)]
    drawn = picture(names, [*pairwise(names)])
    lines = text(drawn).splitlines()
    assert max(map(len, lines)) < 120
    assert lines[30:33] == [f"{'   ' * 29}└─ m.a30 ↓", "m.a30", "└─ m.a31"]
    marked = {line.split()[-2] for line in lines if line.endswith(" ↓")}
    assert {line.split()[-1] for line in lines} - {"↓"} == set(names)
    assert len(lines) == len(names) + len(marked)
    assert text(drawn, ascii_only=True).isascii()


def test_the_focus_is_what_feeds_and_is_fed() -> None:
    part = focused(BRANCHING, "m.a")
    assert [box.id for box in part.boxes] == ["r.a", "m.a", "w.a"]
    assert [(each.source, each.target) for each in part.arrows] == [("r.a", "m.a"), ("m.a", "w.a")]
    with pytest.raises(KeyError):
        focused(BRANCHING, "m.z")


def test_the_focus_keeps_what_is_inside() -> None:
    boxes = [
        Box("r.a", "r", "a"),
        Box("d.x", "d", "x", Kind.MODULE, inside="declare.d"),
        Box("d.y", "d", "y", Kind.MODULE, inside="declare.d"),
        Box("declare.d/w.a", "w", "a", group="declare.d"),
        Box("declare.d/e.z", "e", "z", Kind.MODULE, group="declare.d", inside="declare.e"),
        Box("declare.e/w.q", "w", "q", group="declare.e"),
        Box("declare.f/w.q", "w", "q", group="declare.f"),
    ]
    groups = [Group("declare.d", "d"), Group("declare.e", "e"), Group("declare.f", "f")]
    drawn = Picture("", boxes, [Arrow("r.a", "d.x")], groups)
    part = focused(drawn, "r.a")
    assert [box.id for box in part.boxes] == ["r.a", "d.x", "declare.d/w.a", "declare.d/e.z", "declare.e/w.q"]
    assert [group.id for group in part.groups] == ["declare.d", "declare.e"]
    assert matching(drawn, "d.x") == ["d.x"]
    assert matching(drawn, "w.a") == ["declare.d/w.a"]
    assert matching(drawn, "w.q") == ["declare.e/w.q", "declare.f/w.q"]


@pytest.mark.parametrize("name", ["short", "x" * MOST_COLUMNS, "x" * 200, "宽" * 30, "a宽" * 90])
def test_long_names_lose_their_middle(name: str) -> None:
    shown = shortened(name)
    assert columns(shown) <= MOST_COLUMNS
    assert shown == name or (name.startswith(shown.partition("…")[0]) and name.endswith(shown[-3:]))
