"""Every code block of README and docs works as it is written, except for ports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support.counts import FULL
from tests.support.documented import Block, Reader, blocks

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HELD = {
    "cli.md": ({"text"}, "tests/cli/test_docs.py"),
    "stdlib.md": ({"text"}, "tests/unit/lang/stdlib/test_reference.py"),
    "formatting.md": ({"alloy"}, "tests/unit/syntax/printer/test_formatting_page.py"),
    "editors.md": ({"lua", "elisp", "vim"}, "tests/editors/test_settings.py"),
}
"""Pages with blocks of languages that another test compares with what the program does."""


def readable(page: Path) -> list[Block]:
    """The blocks that a reader follows."""
    held, _ = HELD.get(page.name, (set(), ""))
    return [block for block in blocks(page) if not block.reason and block.language not in held]


READ = [page for page in PAGES if readable(page)]

GOOD = """\
pyroscope.receive_http "in" {
	http {
		listen_address = "127.0.0.1"
		listen_port    = 9999
	}
	forward_to = [pyroscope.write.out.receiver]
}

pyroscope.write "out" {
	endpoint {
		url = "http://localhost:4040"
	}
	external_labels = {"env" = "test"}
}
"""


NETWORK = re.compile(r"(?i)(?:PIP|UV|SSL)_.*|.*_PROXY|REQUESTS_CA_BUNDLE")
"""Variables that say how the network is reached."""


def marked() -> list[tuple[str, Block]]:
    return [(page.name, block) for page in PAGES for block in blocks(page) if block.reason]


def prepare(directory: Path) -> None:
    """The reader's files: a configuration, a directory with one, the examples, all in git."""
    (directory / "config.alloy").write_text(GOOD)
    (directory / "conf").mkdir()
    (directory / "conf" / "main.alloy").write_text(GOOD)
    (directory / "examples").symlink_to(ROOT / "examples")
    git = ["git", "-C", str(directory), "-c", "user.name=Reader", "-c", "user.email=reader@example.org"]
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=Begin"], check=True)


def test_few_blocks_are_not_run() -> None:
    for page, block in marked():
        print(f"{page}:{block.line}: {block.reason}")
    assert len(marked()) <= 15
    assert all(len(block.reason) > 10 for _, block in marked())


def test_pages_that_are_held_have_a_test() -> None:
    for page, (_, test) in HELD.items():
        assert (ROOT / test).exists()
        assert page in {each.name for each in PAGES}


@pytest.mark.skipif(sys.platform == "win32", reason="the pages are written for POSIX shells")
@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_a_page_works_as_typed(page: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    with Reader(tmp_path, Path(sys.executable).parent) as reader:
        for block in readable(page):
            if not block.installs:
                reader.follow(block)


@pytest.mark.skipif(not FULL, reason="downloads packages; dev.py test --full runs it")
@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_a_page_works_as_typed_where_only_alloypy_is_installed(page: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    for name in listed.split("\0"):
        if name:
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    programs = tmp_path / "installed"
    venv.create(programs, with_pip=True)
    subprocess.run([programs / "bin" / "pip", "install", "--quiet", clone, "pipx", "uv"], check=True)
    shutil.rmtree(clone / "examples")
    prepare(clone)
    network = {name: value for name, value in os.environ.items() if NETWORK.fullmatch(name)}
    with Reader(clone, programs / "bin", network) as reader:
        for block in readable(page):
            reader.follow(block)
