"""The pictures of the pages are few, small, and shown."""

from __future__ import annotations

from tests.support.screenshots import MOST_BYTES, PICTURES, ROOT

_MOST = 12


def test_pictures_are_few_small_and_shown() -> None:
    pictures = sorted(PICTURES.glob("*"))
    page = (ROOT / "docs" / "pages.md").read_text("utf-8")
    assert 0 < len(pictures) <= _MOST
    for each in pictures:
        assert each.suffix == ".png"
        assert each.stat().st_size <= MOST_BYTES
        assert f"](img/{each.name})" in page
