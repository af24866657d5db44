"""Byte sizes as Alloy's components write them."""

from __future__ import annotations

import pytest

from alloypy.lang.go.units import parse_size

KI = 1024


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("0B", 0),
        ("512B", 512),
        ("1KiB", KI),
        ("1KB", KI),
        ("1.5MiB", KI * KI * 3 // 2),
        (".5GB", KI**3 // 2),
        ("1GiB512MiB", KI**3 + 512 * KI**2),
        ("1MB1KB25B", KI**2 + KI + 25),
        ("7EiB", 7 * KI**6),
        ("+2TiB", 2 * KI**4),
        ("-1PB", -(KI**5)),
    ],
)
def test_a_size_is_a_number_of_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "units: invalid "),
        ("-", "units: invalid -"),
        ("KiB", "units: invalid KiB"),
        ("5", "units: unknown unit  in 5"),
        ("1kB", "units: unknown unit kB in 1kB"),
        ("1KiB1KB", "units: unknown unit KiB in 1KiB1KB"),
        ("9EB", "units: overflow parsing unit"),
        ("99999999999999999999B", "units: invalid 99999999999999999999B"),
    ],
)
def test_what_is_no_size_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_size(text)
    assert str(caught.value) == reason
