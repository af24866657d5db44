"""The prepared parse tables: what they save, where they come from, and that they fit the grammar."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from itertools import product
from pathlib import Path

import lark
import pytest

from alloypy.syntax.grammar import grammar
from alloypy.syntax.grammar.building import TreeBuilder
from alloypy.syntax.grammar.lark_core import lark_version
from alloypy.syntax.grammar.machine import Machine, NotInGrammarError
from alloypy.syntax.grammar.table_building import build_tables, start_symbols
from alloypy.syntax.grammar.tables import Tables, from_bytes, to_bytes
from alloypy.syntax.tokens import OPERATORS, Token

ROOT = Path(__file__).parents[4]

PARSE = """
import sys
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
parse_file(Source("x", b"a = 1"))
print("lark.load_grammar" in sys.modules)
import lark
print(lark.Lark('start: "a"', parser="lalr").parse("a").data)
"""


@pytest.fixture(scope="module")
def tables() -> Tables:
    return build_tables(grammar.grammar_text(), start_symbols(grammar.grammar_text()))


def run_from(folder: Path, cache: Path) -> list[str]:
    """Parse in a fresh interpreter; returns whether Lark read the grammar, and the whole Lark's result."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", PARSE], env=environment, cwd=cache, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_tables_are_the_same_whenever_they_are_made(tables: Tables) -> None:
    assert build_tables(grammar.grammar_text(), start_symbols(grammar.grammar_text())) == tables


def test_tables_come_back_from_a_file(tables: Tables) -> None:
    assert from_bytes(to_bytes(tables, "1.3.1", "grammar"), "1.3.1", "grammar") == tables


@pytest.mark.parametrize(("version", "text"), [("1.3.2", "grammar"), ("1.3.1", "Grammar")])
def test_tables_of_another_lark_or_grammar_do_not_count(tables: Tables, version: str, text: str) -> None:
    assert from_bytes(to_bytes(tables, "1.3.1", "grammar"), version, text) is None


@pytest.mark.parametrize("content", [b"", b"junk", b"N", b"\xe9\x00", b"(\x01\x00\x00\x00N"])
def test_broken_files_do_not_count(content: bytes) -> None:
    assert from_bytes(content, "1.3.1", "grammar") is None


def test_every_rule_has_its_function_and_none_is_a_detour(tables: Tables) -> None:
    for rule in tables.rules:
        assert callable(getattr(TreeBuilder, rule.function))
    assert not {"sum", "product", "primary", "expression"} & {rule.function for rule in tables.rules}


SUMS = """
start: sum
%declare ADD MUL ATOM OPEN CLOSE
?sum: product | sum ADD product -> join
?product: atom | product MUL atom -> join
?atom: ATOM -> leaf | OPEN sums CLOSE -> inner
sums: -> nothing | sum -> leaf
"""
NAMES = {"+": "ADD", "*": "MUL", "(": "OPEN", ")": "CLOSE"}


class Show:
    start = leaf = staticmethod(lambda items: getattr(items[0], "text", items[0]))
    join = staticmethod(lambda items: f"({''.join(getattr(item, 'text', item) for item in items)})")
    inner = staticmethod(lambda items: f"[{items[1]}]")
    nothing = staticmethod(lambda items: "-")


def parsed(machine: Machine, written: str) -> tuple[object, frozenset[str]]:
    """What is made of a text, or the place of its fault and the terminals that could come there."""
    tokens = [Token(NAMES.get(char, "ATOM"), char, at, at) for at, char in enumerate(written)]
    try:
        return machine.parse(tokens, "start"), frozenset()
    except NotInGrammarError as error:
        return len(written) if error.token is None else error.token.start, error.expected()


def parsed_by_lark(parser: lark.Lark, written: str) -> tuple[object, frozenset[str]]:
    """The same by the whole Lark, on tables as it makes them."""
    state = parser.parse_interactive(start="start")
    tokens = [lark.Token(NAMES.get(char, "ATOM"), char) for char in written]
    made: object = None
    for at, token in enumerate([*tokens, lark.Token("$END", "")]):
        could_come = frozenset(state.accepts())
        try:
            made = state.feed_token(token)
        except lark.UnexpectedToken:
            return at, could_come
    return made, frozenset()


def test_the_loop_and_the_shortcuts_change_nothing_of_what_lark_does() -> None:
    machine = Machine(build_tables(SUMS, ["start"]), Show)
    parser = lark.Lark(
        SUMS, parser="lalr", lexer="basic", start="start", keep_all_tokens=True, transformer=Show()
    )
    assert parsed(machine, "a+b*c+()*(d)") == ("((a+(b*c))+([-]*[d]))", frozenset())
    right = 0
    for length in range(6):
        for written in map("".join, product("a+*()", repeat=length)):
            made, could_come = parsed(machine, written)
            made_by_lark, could_come_by_lark = parsed_by_lark(parser, written)
            assert made == made_by_lark, written
            assert bool(could_come) == bool(could_come_by_lark), written
            assert could_come <= could_come_by_lark, written
            right += not could_come
    assert right > 10


def test_every_terminal_of_the_grammar_is_a_token(tables: Tables) -> None:
    terminals = {symbol for state in tables.states for symbol in state if symbol.isupper()}
    literals = {"IDENT", "NUMBER", "FLOAT", "STRING", "BOOL", "NULL", "TERMINATOR"}
    assert terminals == literals | set(OPERATORS.values()) | {"$END"}


def test_a_checkout_keeps_its_tables_for_the_next_start(tmp_path: Path) -> None:
    assert run_from(ROOT, tmp_path) == ["True", "start"]
    assert [file.name for file in (tmp_path / "alloypy").iterdir()] == [
        f"alloy-{sys.implementation.cache_tag}.tables"
    ]
    assert run_from(ROOT, tmp_path) == ["False", "start"]


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "alloypy").write_text("in the way")
    assert run_from(ROOT, tmp_path) == ["True", "start"]


def test_a_wheel_brings_its_tables_along(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("*.whl"))
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    for name in (file.stem for file in (ROOT / "grammar").glob("*.lark")):
        content = (unpacked / "alloypy" / "_grammar" / f"{name}.tables").read_bytes()
        assert from_bytes(content, lark_version(), grammar.grammar_text(name)) is not None
    assert run_from(unpacked, tmp_path) == ["False", "start"]
    assert not (tmp_path / "alloypy").exists()


def test_the_version_of_lark_is_the_installed_one() -> None:
    assert lark_version() == lark.__version__


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user is in no user list."""

    def homeless(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", homeless)
    monkeypatch.setattr(grammar, "_PACKAGED", Path("/nowhere"))
    assert isinstance(grammar.alloy_parser.__wrapped__(), Machine)
