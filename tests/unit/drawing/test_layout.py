"""Layouts: what holds for every picture."""

from __future__ import annotations

import hashlib
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.drawing.layout import Layout, laid_out
from alloypy.drawing.picture import Arrow, Box, Group, Picture
from alloypy.drawing.svg import svg
from tests.support.counts import repeated
from tests.support.drawing import hostile, picture, pipelines_picture
from tests.support.watchdog import briefly


def overlapping(layout: Layout) -> list[tuple[str, str]]:
    """Pairs of boxes that overlap."""
    found = []
    boxes = sorted(layout.boxes, key=lambda each: each.x)
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            if other.x >= one.x + one.width:
                break
            if one.y < other.y + other.height and other.y < one.y + one.height:
                found.append((one.box.id, other.box.id))
    return found


def inside(layout: Layout) -> bool:
    """Whether all boxes and arrows are inside the picture."""
    points = [point for route in layout.routes for curve in route.curves for point in curve]
    return all(0 <= point.x <= layout.width and 0 <= point.y <= layout.height for point in points) and all(
        each.x >= 0
        and each.y >= 0
        and each.x + each.width <= layout.width
        and each.y + each.height <= layout.height
        for each in layout.boxes
    )


def leads_right(layout: Layout) -> bool:
    """Whether each arrow begins at the right side of its source and ends left of its target."""
    at = {each.box.id: each for each in layout.boxes}
    for route in layout.routes:
        source, target = at[route.arrow.source], at[route.arrow.target]
        start, end = route.curves[0][0], route.curves[-1][1]
        if start.x != source.x + source.width or end.x != target.x or start.x >= end.x:
            return False
        if any(first.x >= second.x for first, second in route.curves):
            return False
    return True


edges = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40)


@settings(max_examples=repeated(500), deadline=None)
@given(st.integers(1, 20), edges, st.booleans())
def test_no_boxes_overlap_and_arrows_lead_right_unless_they_go_round(
    count: int, pairs: list[tuple[int, int]], circles: bool
) -> None:
    wanted = [(a % count, b % count) for a, b in pairs]
    if not circles:
        wanted = [(min(pair), max(pair)) for pair in wanted]
    drawn = picture([f"kind.n{at}" for at in range(count)], [(f"kind.n{a}", f"kind.n{b}") for a, b in wanted])
    layout = laid_out(drawn)
    assert overlapping(layout) == []
    assert inside(layout)
    assert sorted(each.box.id for each in layout.boxes) == sorted(box.id for box in drawn.boxes)
    assert len(layout.routes) == len({pair for pair in wanted if pair[0] != pair[1]})
    if not circles:
        assert leads_right(layout)


@briefly()
def test_a_thousand_boxes_are_laid_out_at_once() -> None:
    drawn = pipelines_picture(1000)
    assert len(drawn.boxes) == 1000
    assert 1400 < len(drawn.arrows) < 1600
    layout = laid_out(drawn)
    assert overlapping(layout) == []
    assert leads_right(layout)
    assert svg(layout) == svg(laid_out(drawn))


@briefly()
def test_long_ways_do_not_make_drawing_slow() -> None:
    """Each box feeds the next one and the last one, and the first feeds all."""
    nodes = [f"kind.n{at}" for at in range(600)]
    chain = list(pairwise(nodes))
    long = [(node, nodes[-1]) for node in nodes[:-2]] + [(nodes[0], node) for node in nodes[2:-1]]
    layout = laid_out(picture(nodes, chain + long))
    assert overlapping(layout) == []
    assert leads_right(layout)


def test_pipelines_stand_one_below_the_other() -> None:
    layout = laid_out(picture(["r.a", "r.b", "w.a", "w.b"], [("r.a", "w.a"), ("r.b", "w.b")]))
    at = {each.box.id: each for each in layout.boxes}
    assert at["r.a"].y == at["w.a"].y < at["r.b"].y == at["w.b"].y
    assert at["r.a"].x == at["r.b"].x < at["w.a"].x


def test_boxes_without_arrows_stand_in_rows() -> None:
    layout = laid_out(picture([f"discovery.file.n{at}" for at in range(40)], []))
    assert len({each.y for each in layout.boxes}) < 10
    assert overlapping(layout) == []


def test_a_value_stands_beside_what_takes_it() -> None:
    """`local.file` feeds the last box only, so it is not at the far left."""
    drawn = picture(
        ["local.file.f", "r.a", "m.a", "m.b", "w.a"],
        [("r.a", "m.a"), ("m.a", "m.b"), ("m.b", "w.a"), ("local.file.f", "w.a")],
    )
    at = {each.box.id: each for each in laid_out(drawn).boxes}
    assert at["local.file.f"].x == at["m.b"].x


def test_groups_have_frames_around_their_boxes() -> None:
    boxes = [Box("a.b", "a", "b"), Box("m/c.d", "c", "d", group="m"), Box("m/e.f", "e", "f", group="m")]
    layout = laid_out(Picture("", boxes, [Arrow("m/c.d", "m/e.f")], [Group("m", "declare " + "m" * 60)]))
    (frame,) = layout.frames
    outer, *inner = sorted(layout.boxes, key=lambda each: each.y)
    assert outer.y + outer.height < frame.y
    for each in inner:
        assert frame.x < each.x
        assert each.x + each.width < frame.x + frame.width < layout.width
        assert frame.y < each.y
        assert each.y + each.height < frame.y + frame.height < layout.height


def test_an_empty_picture_has_a_size() -> None:
    layout = laid_out(Picture("nothing", []))
    assert layout.width > 0
    assert layout.height > 0


def test_pipelines_that_are_alike_stand_as_each_would_alone() -> None:
    def drawn(names: list[str]) -> Layout:
        edges = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)]
        ends = [(f"m.{name}{a}", f"m.{name}{b}") for name in names for a, b in edges]
        return laid_out(picture([f"m.{name}{at}" for name in names for at in range(4)], ends))

    def moved(layout: Layout, name: str) -> list[tuple[int, int, int]]:
        boxes = [each for each in layout.boxes if each.box.label.startswith(name)]
        return [(each.x, each.y - boxes[0].y, each.width) for each in boxes]

    together = drawn(["a", "b", "wide" * 5])
    assert moved(together, "a") == moved(together, "b") == moved(drawn(["a"]), "a")
    assert moved(together, "wide") == moved(drawn(["wide" * 5]), "wide") != moved(together, "a")
    assert overlapping(together) == []


def test_pictures_keep_their_places_from_version_to_version() -> None:
    """What is kept in a repository does not change by itself. Record it anew if it shall look different."""
    content = svg(laid_out(pipelines_picture(400))) + svg(laid_out(hostile()))
    assert hashlib.sha256(content.encode()).hexdigest()[:16] == "ff5f30087be7399b"
