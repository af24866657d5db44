"""Alignment of marked text, case by case as Go's text/tabwriter and Alloy's trimmer do it."""

from __future__ import annotations

import pytest

from alloypy.syntax.printer.cells import align, shield, shield_in_lines


@pytest.mark.parametrize(
    ("marked", "aligned"),
    [
        ("", ""),
        ("a", "a"),
        ("a\v= 1", "a = 1"),
        ("a\v= 1\nbbb\v= 2", "a   = 1\nbbb = 2"),
        ("a\v= 1\fbbb\v= 2", "a = 1\nbbb = 2"),
        ("a\v= 1\n\nbbb\v= 2", "a = 1\n\nbbb = 2"),
        ("a\v= 1\nplain text\nbbb\v= 2", "a = 1\nplain text\nbbb = 2"),
        ("\ta\v= 1\n\tbbb\v= 2", "\ta   = 1\n\tbbb = 2"),
        ("a\v= 1\t// x\nb\v= 222\t// y", "a = 1   // x\nb = 222 // y"),
        ("a\v= 1\t// x\nbbb\v= 2\nc\v= 3\t// z", "a   = 1 // x\nbbb = 2\nc   = 3 // z"),
        ("é\v= 1\nbb\v= 2", "é  = 1\nbb = 2"),
        ("\vx\n\vy", "x\ny"),  # a column of empty soft cells vanishes
        ("\tx\n\ty", "\tx\n\ty"),
        ("a\t\vx", "a x"),
        ("a\t\tx", "a  x"),
        ("a\v= 1  \t\nb", "a = 1\nb"),
        ("a \t", "a"),
        (
            "ten letters\v= 1\n\v= 2",
            "ten letters = 1\n\t\t= 2",
        ),  # the first cells of a line are padded with tabs
        ("\t\tdeep\v= 1\n\tb\v= 2", "\t\tdeep = 1\n\tb = 2"),
    ],
)
def test_align(marked: str, aligned: str) -> None:
    assert align(marked) == aligned


def test_shielded_text_is_no_markup_and_keeps_its_width() -> None:
    comment = "/* a\tb\n\vc\f  */ "
    assert align(f"x\t{shield(comment)}") == f"x {comment}"
    assert align(f"{shield('a ')}\v= 1\nbbb\v= 2") == "a   = 1\nbbb = 2"


def test_text_shielded_in_lines_still_ends_lines() -> None:
    text = shield_in_lines("`a\t \n\tb`")
    assert align(f"x\v= {text} \t// y\nlonger\v= 1") == "x      = `a\t \n\tb`    // y\nlonger = 1"
