"""Texts of the golden files, whole and with pieces cut or put in: what an editor has while one types."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from alloypy.syntax.nesting import allow_recursion

allow_recursion()  # hypothesis watches the recursion limit, so set it before hypothesis looks

ROOT = Path(__file__).parents[2]
PIECES = (
    *"{}[](),=.+-!\"'`\n\r\t@",
    "\r\n",
    "//",
    "/*",
    "*/",
    "``",
    '"x"',
    "a.b.",
    "null",
    "é",
    "𝒳",
    "\ufeff",
    "\0",
    'foo "bar" {\n',
    "// #region\n",
    "// #endregion\n",
)


@cache
def golden_texts() -> tuple[bytes, ...]:
    """The inputs of the recorded answers of `fmt` and `validate`."""
    return tuple(_inputs())


def _inputs() -> Iterator[bytes]:
    for name in ("fmt", "fmt_random", "fmt_random_err"):
        for line in (ROOT / f"tests/golden/syntax/{name}.jsonl").read_text("utf-8").splitlines():
            case = json.loads(line)
            yield base64.b64decode(case["input_b64"]) if "input_b64" in case else case["input"].encode()
    for line in (ROOT / "tests/golden/validate/validate.jsonl").read_text("utf-8").splitlines():
        text = json.loads(line).get("input")
        if isinstance(text, str):
            yield text.encode()


def mutated(text: bytes, random: Random, times: int) -> bytes:
    """A text with some of its bytes cut or doubled, and pieces put in."""
    for _ in range(times):
        at = random.randrange(len(text) + 1)
        end = min(len(text), at + random.choice((0, 1, 1, 3, 20)))
        piece = random.choice((b"", text[at:end] * 2, random.choice(PIECES).encode()))
        text = text[:at] + piece + text[end:]
    return text


@st.composite
def broken_texts(draw: st.DrawFn) -> bytes:
    """A golden text with up to six mutations; it need not be UTF-8."""
    text = draw(st.sampled_from(golden_texts()))
    return mutated(text, Random(draw(st.integers(0, 2**32))), draw(st.integers(0, 6)))
