"""Names of versions, and sets of them."""

from __future__ import annotations

import pytest

from alloypy.catalog.versions import VersionError, find_version, timeline


def test_all_versions_in_order() -> None:
    versions = timeline().versions
    assert len(versions) == 59
    assert (versions[0].name, versions[-2].name, versions[-1].name) == ("1.0.0", "1.19.0-rc.3", "main")
    assert [version.index for version in versions] == list(range(59))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1.10", "1.10.2"),
        ("1.10.2", "1.10.2"),
        ("v1.10.0", "1.10.0"),
        ("V1.10", "1.10.2"),
        ("newest", "1.18.1"),
        ("1.19", "1.19.0-rc.3"),
        ("v1.19.0", "1.19.0-rc.3"),
        ("v1.19.0-rc.3", "1.19.0-rc.3"),
        ("main", "main"),
        (" 1.0 ", "1.0.0"),
    ],
)
def test_finding(text: str, name: str) -> None:
    assert find_version(text).name == name


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("latest", "newest"),
        ("1.10.9", "1.10.2"),
        ("1.19.0-rc.9", "1.19.0-rc.3"),
        ("master", "main"),
    ],
)
def test_unknown_versions_suggest_the_nearest(text: str, suggested: str) -> None:
    with pytest.raises(VersionError, match=f'unknown Alloy version "{text}"; did you mean "{suggested}"'):
        find_version(text)


@pytest.mark.parametrize("text", ["", "2.0", "0.44", "ten", "1", "1.99.1", "1..2"])
def test_other_unknown_versions_list_what_is_known(text: str) -> None:
    with pytest.raises(
        VersionError, match=r"expected 1\.0 to 1\.19, a release such as 1\.18\.1, newest or main"
    ):
        find_version(text)


def test_titles() -> None:
    line = timeline()
    assert line.title(line.main) == "Alloy main, the coming 1.19"
    assert line.title(find_version("1.10")) == "Alloy 1.10.2"
    assert line.title(find_version("1.19")) == "Alloy 1.19.0-rc.3"


@pytest.mark.parametrize(
    "text", ["1.0.0", "1.3.0<1.5.0", "main", "1.0.0<1.9.0,1.9.2", "1.1.0<1.2.0,1.4.0<1.5.0,1.19.0-rc.3"]
)
def test_ranges_read_and_written(text: str) -> None:
    assert timeline().text(timeline().mask(text)) == text


def test_a_range_without_an_end_includes_main() -> None:
    line = timeline()
    assert line.mask("1.0.0") == line.everything
    assert line.mask("1.18.1") == find_version("1.18.1").bit | find_version("1.19").bit | line.main.bit
