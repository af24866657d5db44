"""`alloypy graph` as users call it: formats, files, broken configurations, and what is never in a picture."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from alloypy.cli.main import main
from tests.support.drawing import EXPERIMENTAL, MODULES, flags_for

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.alloy"))
FORMATS = ("text", "svg", "mermaid", "dot", "json")
SMALL = """\
pyroscope.receive_http "in" {
  http { listen_port = 4040 }
  forward_to = [pyroscope.write.out.receiver]
}
pyroscope.write "out" {
  endpoint { url = "http://localhost:4040" }
}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.alloy"
    path.write_text(SMALL)
    return path


def drawn(capsys: Capture, *argv: str | Path) -> str:
    assert main(["graph", *map(str, argv)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_every_format_of_every_example(capsys: Capture) -> None:
    for path in EXAMPLES:
        found = json.loads(drawn(capsys, path, *flags_for(path), "--output-format=json"))
        names = [each["label"] for each in found["nodes"]]
        assert names
        for name in FORMATS:
            text = drawn(capsys, path, *flags_for(path), f"--output-format={name}")
            assert all(each in text for each in names)
            if name == "svg":
                ET.fromstring(text)


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
def test_graphviz_draws_every_example(capsys: Capture) -> None:
    texts = [drawn(capsys, path, *flags_for(path), "--output-format=dot") for path in EXAMPLES]
    done = subprocess.run(
        ["dot", "-Tsvg"], check=False, input="".join(texts).encode(), capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"<svg") == len(EXAMPLES)


def test_a_directory_is_one_configuration(tmp_path: Path, capsys: Capture) -> None:
    receiver, _, writer = SMALL.partition('pyroscope.write "')
    (tmp_path / "a.alloy").write_text(receiver)
    (tmp_path / "b.alloy").write_text(f'pyroscope.write "{writer}')
    assert drawn(capsys, tmp_path) == "pyroscope.receive_http.in\n└─ pyroscope.write.out\n"


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SMALL.encode())))
    text = drawn(capsys, "-", "--stdin-filename=mine.alloy", "--output-format=json")
    assert json.loads(text)["nodes"][0]["place"] == "mine.alloy:1"


@pytest.mark.parametrize("name", FORMATS)
def test_no_value_of_a_configuration_is_in_its_picture(name: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "config.alloy"
    path.write_text(MODULES)
    text = drawn(capsys, path, *flags_for(path), f"--output-format={name}")
    assert "backend" in text
    assert "hidden-" not in text
    assert "localhost" not in text


@pytest.mark.parametrize("name", FORMATS)
def test_every_run_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.alloy"
    path.write_text(MODULES)
    argv = [sys.executable, "-m", "alloypy", "graph", str(path), EXPERIMENTAL, f"--output-format={name}"]
    found = {
        subprocess.run(
            argv, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("g.svg", "<svg"),
        ("g.mmd", "flowchart"),
        ("g.dot", "digraph"),
        ("g.json", "{"),
        ("g.txt", "pyroscope."),
    ],
)
def test_the_name_of_the_file_chooses_the_format(
    name: str, start: str, config: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert drawn(capsys, config, "--output-file", tmp_path / name) == ""
    assert (tmp_path / name).read_text().startswith(start)
    assert drawn(capsys, config, "--output-file", tmp_path / name, "--output-format=dot") == ""
    assert (tmp_path / name).read_text().startswith("digraph")


def test_a_configuration_is_never_overwritten(config: Path, tmp_path: Path, capsys: Capture) -> None:
    link = tmp_path / "link.svg"
    link.symlink_to(config)
    for file in (config, tmp_path / "new.alloy", link):
        assert main(["graph", str(config), f"--output-file={file}"]) == 1
        assert "would overwrite" in capsys.readouterr().err
    assert config.read_text() == SMALL
    assert not (tmp_path / "new.alloy").exists()


@pytest.mark.parametrize("linked", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_link_to_a_file_of_a_directory_is_not_overwritten(
    linked: Callable[[Path, Path], None], tmp_path: Path, capsys: Capture
) -> None:
    directory = tmp_path / "configuration"
    directory.mkdir()
    file = directory / "a.alloy"
    file.write_text(SMALL)
    link = tmp_path / "picture.svg"
    linked(file, link)
    assert main(["graph", str(directory), f"--output-file={link}"]) == 1
    assert "would overwrite" in capsys.readouterr().err
    assert file.read_text() == SMALL


@pytest.mark.parametrize("name", FORMATS)
def test_pictures_are_utf_8_also_if_the_names_of_files_are_not(name: str, tmp_path: Path) -> None:
    directory = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    try:
        Path(directory).mkdir()
    except OSError:
        pytest.skip("the file system takes only UTF-8")
    Path(directory, "a.alloy").write_text(SMALL)
    picture = tmp_path / "picture"
    assert main(["graph", directory, f"--output-format={name}", f"--output-file={picture}"]) == 0
    assert "pyroscope.write" in picture.read_text("utf-8")


def test_a_dash_is_standard_output(
    config: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["graph", str(config), "--output-format=dot", "--output-file=-"]) == 0
    assert capsys.readouterr().out.startswith("digraph")
    assert main(["validate", str(config), "--output-format=json", "--output-file=-"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert not (tmp_path / "-").exists()


def test_a_file_that_cannot_be_written_is_named(config: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "no" / "g.svg"
    assert main(["graph", str(config), f"--output-file={file}"]) == 1
    assert f"open {file}: no such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [SMALL.replace("out.receiver", "gone.receiver"), "pyroscope.write {", "a = 1\n", 'no.such "x" { }\n'],
    ids=["reference", "syntax", "attribute", "component"],
)
def test_a_broken_configuration_is_answered_as_by_validate(text: str, config: Path, capsys: Capture) -> None:
    config.write_text(text)
    assert main(["validate", "--quiet", str(config)]) == 1
    validated = capsys.readouterr().err
    assert main(["graph", str(config), "--output-format=svg"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == validated


@pytest.mark.parametrize("path", ["nothing.alloy", "empty"])
def test_a_path_without_a_configuration_is_an_error(path: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["graph", str(tmp_path / path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert path in captured.err


def test_the_stability_level_counts_as_for_validate(config: Path, capsys: Capture) -> None:
    config.write_text('foreach "f" {\n collection = []\n var = "x"\n template { }\n}\n')
    assert main(["graph", str(config)]) == 1
    assert "experimental" in capsys.readouterr().err
    assert "foreach.f" in drawn(capsys, config, EXPERIMENTAL)
    (config.parent / ".alloypy.toml").write_text('stability-level = "experimental"\n')
    assert "foreach.f" in drawn(capsys, config)
    assert main(["graph", "--no-settings", str(config)]) == 1


def test_the_focus_may_be_inside_a_module(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "config.alloy"
    path.write_text(MODULES)
    draw = (path, EXPERIMENTAL, "--focus")
    assert drawn(capsys, *draw, "local.file.token") == "local.file.token\n└─ pyroscope.write.backend\n"
    inner = 'declare "sink":\n  export.receiver\n  └─ pyroscope.write.inner\n'
    assert drawn(capsys, *draw, "pyroscope.write.inner") == inner
    assert drawn(capsys, *draw, "declare.sink/pyroscope.write.inner") == inner


def test_an_unknown_focus_has_a_hint(config: Path, capsys: Capture) -> None:
    assert main(["graph", str(config), "--focus", "pyroscope.write.ou"]) == 1
    captured = capsys.readouterr()
    assert "no such component" in captured.err
    assert "did you mean `pyroscope.write.out`?" in captured.err


def test_a_terminal_without_further_characters_gets_a_plain_tree(config: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alloypy", "graph", str(config)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"pyroscope.receive_http.in\n`- pyroscope.write.out\n"


def test_a_flowchart_that_mermaid_refuses_by_default_has_a_note(config: Path, capsys: Capture) -> None:
    receivers = (
        SMALL.replace('"in"', f'"in{at}"')
        .replace("4040 }", f"{5000 + at} }}")
        .partition('pyroscope.write "')[0]
        for at in range(501)
    )
    config.write_text("".join(receivers) + 'pyroscope.write "out" { }\n')
    assert main(["graph", str(config), "--output-format=mermaid"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("-->") == 501
    assert captured.err.startswith("Note: Mermaid draws 500 arrows")
