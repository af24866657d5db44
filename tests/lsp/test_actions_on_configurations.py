"""Code actions on configurations that people have written: all comments stay, the layout is that of `fmt`."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator

from alloypy.check.lint import all_rules
from alloypy.lsp.features.actions.action import EXTRACT, QUICK_FIX, Action, RefusedError
from alloypy.syntax.lexer import scan
from alloypy.syntax.parser import parse_file
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block
from tests.lsp.test_cut_names import configurations
from tests.support.acting import PATH, Texts, errors, one, syntax_faults
from tests.support.counts import FULL

SEED = 11
COMMENT = " // why"


def _laid_out(data: bytes) -> bytes:
    return format_source(Source(PATH, data))


def _chosen() -> list[str]:
    """Configurations of some blocks without errors, as `fmt` writes them, with a comment on many lines."""
    found = []
    for text in dict.fromkeys(configurations()):
        data = text.encode("utf-8", "surrogatepass")
        if syntax_faults(data):
            continue
        texts = one(_commented(_laid_out(data)))
        if len(parse_file(texts.open[PATH].source).body) > 1 and not errors(texts.findings()):
            found.append(texts.text)
    return found if FULL else random.Random(SEED).sample(found, 20)


def _commented(data: bytes) -> bytes:
    """The text with a comment of its own on lines that can have one."""
    source = Source(PATH, data)
    ends = [
        each.value.end + 1
        for block in parse_file(source).body
        if isinstance(block, Block)
        for each in block.body
        if isinstance(each, Attribute)
    ]
    for number, end in reversed(list(enumerate(ends))):
        if data[end : end + 1] == b"\n":
            data = data[:end] + f"{COMMENT} {number}".encode() + data[end:]
    return _laid_out(data)


TEXTS = _chosen()


def _comments(texts: Texts) -> Counter[str]:
    return Counter(each.text for group in scan(texts.open[PATH].source).comments for each in group)


def _codes(texts: Texts) -> Counter[str]:
    return Counter(each.code for each in errors(texts.findings()))


def _check(before: Texts, after: Texts, what: str) -> None:
    shown = f"{what}\n{before.text}\n---\n{after.text}"
    assert not syntax_faults(after.open[PATH].data), shown
    assert _laid_out(after.open[PATH].data).decode() == after.text, shown
    assert not _codes(after) - _codes(before), f"{errors(after.findings())} {shown}"


def _blocks(text: str) -> list[Block]:
    return [each for each in parse_file(Source(PATH, text.encode())).body if isinstance(each, Block)]


def _offered(texts: Texts, start: int, stop: int, only: str, title: str) -> list[Action]:
    return [each for each in texts.offered(start, stop, only) if each.title.startswith(title)]


def test_components_are_extracted() -> None:
    done = sum(map(_extracted, TEXTS))
    assert done >= len(TEXTS)


def _extracted(text: str) -> int:
    texts = one(text)
    blocks, done = _blocks(text), 0
    for first in range(min(len(blocks), 4)):
        for last in range(first, min(len(blocks), first + 2)):
            start, stop = blocks[first].start, blocks[last].end + 1
            for action in _offered(texts, start, stop, EXTRACT, "Extract"):
                try:
                    after = texts.after(texts.edits(action))
                except RefusedError:
                    continue
                done += 1
                _check(texts, after, f"{action.title} {first} {last}")
                assert _comments(after) == _comments(texts), after.text
    return done


def test_arguments_that_were_taken_away_are_added() -> None:
    done = 0
    for text in TEXTS:
        for cut, start in _without_statements(one(text)):
            texts = one(cut)
            for action in _offered(texts, start, start, QUICK_FIX, "Add what is missing"):
                after = texts.after(texts.edits(action))
                done += 1
                assert _laid_out(after.open[PATH].data).decode() == after.text, (
                    f"{texts.text}\n---\n{after.text}"
                )
                assert _comments(after) == _comments(texts)
                assert "ALY0305" not in _codes(after), after.text
    assert done >= len(TEXTS) // 2


def _without_statements(texts: Texts) -> Iterator[tuple[bytes, int]]:
    """The text without one statement of a block, laid out again; and where the name of the block is."""
    data = texts.open[PATH].data
    for index, block in enumerate(_blocks(texts.text)[:6]):
        for each in block.body:
            stop = data.find(b"\n", each.value.end if isinstance(each, Attribute) else each.end)
            begin = data.rfind(b"\n", 0, each.start) + 1
            cut = data[:begin] + data[stop + 1 :]
            if begin > block.lcurly and not syntax_faults(cut):
                laid_out = _laid_out(cut)
                yield laid_out, _blocks(laid_out.decode())[index].start


def test_names_that_were_misspelt_are_mended() -> None:
    choose = random.Random(SEED)
    done = 0
    for whole in TEXTS:
        names = list(re.finditer(r"(?m)^\t+([a-z_]{5,})(?= +=| \{)", whole))
        for match in choose.sample(names, min(len(names), 6)):
            done += _mended(whole, match)
    assert done >= len(TEXTS)


def _mended(whole: str, match: re.Match[str]) -> int:
    """Misspell a name and have it mended, if that is a fault."""
    name = match[1]
    wrong = f"{name[:2]}{name[3]}{name[2]}{name[4:]}"
    texts = one(f"{whole[: match.start(1)]}{wrong}{whole[match.end(1) :]}")
    if not any(f'"{wrong}"' in each.message for each in errors(texts.findings())):
        return 0
    at = len(whole[: match.start(1)].encode())
    results = [
        texts.after(texts.edits(each)).text for each in _offered(texts, at, at, QUICK_FIX, "Change to")
    ]
    assert whole in results, (wrong, [each.title for each in texts.offered(at, at, QUICK_FIX)], texts.text)
    return 1


def test_findings_are_ignored_where_they_are() -> None:
    options = one("").chosen._replace(selected=frozenset(all_rules()))
    done = sum(_ignored(Texts({PATH: text.encode()}, options)) for text in TEXTS)
    assert done >= len(TEXTS)


def _ignored(texts: Texts) -> int:
    done = 0
    before = Counter(each.code for each in texts.findings())
    for found in [each for each in texts.findings() if each.span is not None][:8]:
        at = found.span.start if found.span is not None else 0
        for action in _offered(texts, at, at, QUICK_FIX, f"Ignore {found.code} here"):
            after = texts.after(texts.edits(action))
            done += 1
            _check(texts, after, action.title)
            assert Counter(each.code for each in after.findings())[found.code] < before[found.code], (
                after.text
            )
            kept = " ".join(_comments(after))
            assert all(each.removesuffix("]").strip() in kept for each in _comments(texts)), after.text
    return done
