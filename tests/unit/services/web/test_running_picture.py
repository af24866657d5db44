"""Pictures of what runs: parts, rates, health, and names of others as text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from alloypy.drawing.layout import laid_out
from alloypy.drawing.picture import Arrow
from alloypy.drawing.svg import svg
from alloypy.runtime.contract.health import Health, HealthState, now
from alloypy.runtime.contract.options import Outline
from alloypy.services.web import running_picture
from alloypy.services.web.rates import PerSecond
from alloypy.services.web.running_picture import arrows_of, drawn_of, is_in, picture_of, rates_of, states_of
from tests.support.drawing import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


def outline(name: str, module: str = "", *, to: str = "", modules: str = "", line: int = 1) -> Outline:
    kind, _, label = name.rpartition(".")
    return Outline(name, module, kind, label, tuple(to.split()), tuple(modules.split()), f"c.alloy:{line}:1")


WHOLE = [
    outline("pyroscope.write.w", line=9),
    outline("pyroscope.write.w", "d.x"),
    outline("pyroscope.relabel.r", "d.x", to="pyroscope.write.w", line=2),
    outline("d.x", to="pyroscope.write.w", modules="d.x", line=5),
    outline("pyroscope.receive_http.in", to="d.x", line=1),
    outline("local.file.alone", line=20),
]


def test_the_order_is_that_of_the_text() -> None:
    found = [each.global_id for each in drawn_of(WHOLE, "")]
    assert found == [
        "pyroscope.receive_http.in",
        "d.x",
        "pyroscope.write.w",
        "local.file.alone",
        "d.x/pyroscope.write.w",
        "d.x/pyroscope.relabel.r",
    ]


def test_modules_inside_a_module_are_part_of_it() -> None:
    assert [each for each in ("", "d.x", "d.x/e", "d.xy") if is_in(each, "d.x")] == ["d.x", "d.x/e"]
    assert is_in("anything", "")


def test_of_too_many_components_those_inside_modules_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_picture, "MOST_BOXES", 5)
    assert {each.module for each in drawn_of(WHOLE, "")} == {""}


def test_modules_have_frames_that_lead_to_their_own_graph() -> None:
    picture = picture_of("t", "", drawn_of(WHOLE, ""), {})
    assert [(group.id, group.link) for group in picture.groups] == [("d.x", "graph/d.x")]
    assert {box.id: box.inside for box in picture.boxes}["d.x"] == "d.x"
    assert [(each.source, each.target) for each in picture.arrows] == [
        ("pyroscope.receive_http.in", "d.x"),
        ("d.x", "pyroscope.write.w"),
        ("d.x/pyroscope.relabel.r", "d.x/pyroscope.write.w"),
    ]
    alone = picture_of("t", "d.x", [each for each in WHOLE if each.module == "d.x"], {})
    assert alone.groups == []
    assert {box.group for box in alone.boxes} == {""}


def test_rates_are_those_of_the_only_source_or_of_what_each_source_passes_on() -> None:
    arrows = [Arrow("a", "b"), Arrow("a", "c"), Arrow("b", "w"), Arrow("c", "w"), Arrow("x", "w")]
    rates = {
        "a": PerSecond(10, 10, 0),
        "b": PerSecond(9, 5, 4),
        "c": PerSecond(10, 3, 7),
        "w": PerSecond(8, 8, 0),
    }
    assert rates_of(arrows, rates) == {("a", "b"): 9, ("a", "c"): 10, ("b", "w"): 5, ("c", "w"): 3}
    assert rates_of(arrows, {}) == {}


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_messages_of_others_stay_text(text: str) -> None:
    bad = outline(f"a.{text}", text)
    healths = {bad.global_id: Health(HealthState.UNHEALTHY, f"{text}\nsecond line", now())}
    picture = picture_of(text, "", [bad], healths)
    root = ET.fromstring(svg(laid_out(picture), style=False))
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags <= {"svg", "title", "defs", "marker", "path", "g", "rect", "text", "a"}
    for link in root.iter(f"{SVG}a"):
        assert str(link.get("href")).startswith(("component/", "graph/"))
    (box,) = (each for each in root.iter(f"{SVG}g") if "is-unhealthy" in str(each.get("class")))
    assert "second line" in str(box.findtext(f".//{SVG}title"))
    assert list(states_of([bad], healths)) == [bad.global_id]
    assert "\n" not in states_of([bad], healths)[bad.global_id]


def test_arrows_to_components_that_are_not_shown_are_left_out() -> None:
    assert arrows_of([outline("a.b", to="c.d")]) == []
