"""Which files `validate --units=auto` treats as one configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.cli.files.units import Grouping, find_units

RECEIVE = 'pyroscope.receive_http "in" {\n  forward_to = [pyroscope.write.out.receiver]\n}\n'
WRITE = 'pyroscope.write "out" {\n  endpoint {\n    url = "http://h"\n  }\n}\n'
OTHER = 'pyroscope.write "other" { }\n'
DECLARE = 'declare "pipe" {\n  argument "to" { }\n}\n'
INSTANCE = 'pipe "one" {\n  to = []\n}\n'
IMPORT = 'import.file "lib" {\n  filename = "lib.txt"\n}\n'
IMPORTED = 'declare "outer" {\n  lib.thing "one" { }\n}\n'
LOCAL = f'declare "d" {{\n{RECEIVE}{WRITE}}}\n'
HTTP = "http {\n}\n"


@pytest.mark.parametrize(
    ("contents", "together"),
    [
        ((RECEIVE, WRITE), True),
        ((WRITE, RECEIVE, OTHER), True),
        ((RECEIVE + WRITE, RECEIVE + WRITE), False),
        ((WRITE, OTHER), False),
        ((RECEIVE, OTHER), False),  # the missing name is declared nowhere
        ((DECLARE, INSTANCE), True),
        ((IMPORT, IMPORTED), True),
        ((DECLARE + INSTANCE, DECLARE), False),
        ((LOCAL, WRITE), False),  # names of a declare are its own
        (
            (RECEIVE.replace("forward_to", "http { }\n  forward_to").replace("write.out", "write.x"), HTTP),
            False,
        ),
        (("x = [\n", WRITE), True),  # it may declare anything
        ((RECEIVE,), False),
    ],
)
def test_files_that_refer_to_each_other(contents: tuple[str, ...], together: bool, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.alloy" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_text(content)
    expected = [str(tmp_path)] if together else [str(file) for file in files]
    for paths, recursive in (
        ([str(tmp_path)], False),
        ([str(tmp_path)], True),
        (list(map(str, files)), False),
    ):
        assert find_units(paths, Grouping(recursive=recursive, auto=True)).paths == expected
    one = find_units([str(files[0])], Grouping(recursive=False, auto=True)).paths
    assert one == expected[:1]


def test_without_auto_a_path_is_a_unit(tmp_path: Path) -> None:
    for name, content in (("a", RECEIVE), ("b", WRITE)):
        (tmp_path / f"{name}.alloy").write_text(content)
    a = str(tmp_path / "a.alloy")
    assert find_units([a], Grouping(recursive=False, auto=False)).paths == [a]
    assert find_units([a, a, "-"], Grouping(recursive=True, auto=False)).paths == [a, "-"]
    found = find_units([str(tmp_path)], Grouping(recursive=True, auto=False))
    assert (found.paths, found.empty) == ([str(tmp_path)], [])


def test_what_is_no_file_of_a_configuration_stays_by_itself(tmp_path: Path) -> None:
    (tmp_path / "a.alloy").write_text(RECEIVE)
    (tmp_path / "b.alloy").write_text(WRITE)
    (tmp_path / ".#lock.alloy").symlink_to("nobody@host")
    (tmp_path / "module").write_text(DECLARE)
    (tmp_path / "empty").mkdir()
    paths = ["", "-", str(tmp_path / "module"), str(tmp_path / "absent"), str(tmp_path / "empty")]
    assert find_units(paths, Grouping(recursive=False, auto=True)).paths == paths
    recursive = find_units([str(tmp_path / "empty")], Grouping(recursive=True, auto=True))
    assert (recursive.paths, recursive.empty) == ([], [str(tmp_path / "empty")])
