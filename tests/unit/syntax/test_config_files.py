"""Reading the configuration that a path names."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.syntax.config_files import ConfigReadError, module_path, parse_config, read_config
from alloypy.syntax.diagnostics import DiagnosticsError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_file_is_named_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "x.txt").write_bytes(b"a = 1")
    assert [(s.name, s.data) for s in read_config("conf/x.txt")] == [("conf/x.txt", b"a = 1")]


def test_a_directory_gives_its_alloy_files_in_name_order(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    (conf / "deeper.alloy").mkdir(parents=True)
    for name in ("b.alloy", "a.alloy", "c.alloy.bak", "d.river"):
        (conf / name).write_text("")
    assert [s.name for s in read_config("conf")] == ["conf/a.alloy", "conf/b.alloy"]
    (tmp_path / "z.alloy").write_text("")
    assert [s.name for s in read_config(".")] == ["z.alloy"]


def test_an_empty_directory_is_an_empty_configuration() -> None:
    assert read_config(".") == []


def test_links_as_a_config_map_mounts_them_are_followed(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "a.alloy").write_text("")
    (tmp_path / "a.alloy").symlink_to("..data/a.alloy")
    assert [s.name for s in read_config(".")] == ["a.alloy"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("absent.alloy", "stat absent.alloy: no such file or directory"),
        ("", "stat : no such file or directory"),
        ("-", "stat -: no such file or directory"),
        ("a\x00b", "stat a\x00b: invalid argument"),
    ],
)
def test_what_cannot_be_found_is_reported_in_gos_words(path: str, text: str) -> None:
    with pytest.raises(ConfigReadError) as caught:
        read_config(path)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-16-le", "UTF16LittleEndian"),
        ("utf-16-be", "UTF16BigEndian"),
        ("utf-32-le", "UTF32LittleEndian"),
        ("utf-32-be", "UTF32BigEndian"),
    ],
)
def test_other_encodings_are_refused_by_their_mark(tmp_path: Path, encoding: str, name: str) -> None:
    (tmp_path / "u.alloy").write_bytes("\ufeffa = 1".encode(encoding))
    with pytest.raises(ConfigReadError, match=f"configuration is encoded with {name} but must be utf8"):
        read_config("u.alloy")


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.alloy").write_bytes(b"a = 1 // caf\xe9")
    with pytest.raises(ConfigReadError, match=r"^unknown encoding for config$"):
        parse_config(read_config("bad.alloy"))


def test_a_utf8_mark_is_taken_at_its_word(tmp_path: Path) -> None:
    (tmp_path / "marked.alloy").write_bytes(b"\xef\xbb\xbfa = \xff")
    with pytest.raises(DiagnosticsError) as caught:
        parse_config(read_config("marked.alloy"))
    assert str(caught.value.diagnostics[0]) == "marked.alloy:1:8: illegal UTF-8 encoding"


def test_a_link_to_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "conf" / "x.alloy").symlink_to("../elsewhere")
    with pytest.raises(ConfigReadError, match=r"^read conf/x\.alloy: is a directory$"):
        read_config("conf")


def test_faults_of_all_files_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "a.alloy").write_text("bad = \n")
    (tmp_path / "b.alloy").write_text("garbage {")
    with pytest.raises(DiagnosticsError) as caught:
        parse_config(read_config("."))
    assert [str(d) for d in caught.value.diagnostics] == [
        "a.alloy:2:1: expected expression, got EOF",
        "b.alloy:1:10: expected }, got EOF",
    ]


def test_module_path_is_the_directory_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    assert module_path("conf") == "conf"
    assert module_path("conf/a.alloy") == "conf"
    assert module_path("a.alloy") == "."


@pytest.mark.parametrize(
    ("path", "directory"),
    [
        ("no/../other/c.alloy", "other"),
        ("./c.alloy", "."),
        ("c.alloy", "."),
        ("../c.alloy", ".."),
        ("/c.alloy", "/"),
        ("//no//c.alloy", "/no"),
    ],
)
def test_module_path_is_clean_as_in_go(path: str, directory: str) -> None:
    assert module_path(path) == directory
