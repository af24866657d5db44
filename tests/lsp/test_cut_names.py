"""Completion is right: where a name stood, it is offered, and nothing that the place does not allow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from alloypy.check.units.settings_file import Settings
from alloypy.graph import codes
from alloypy.lsp.cursor.place import place_at
from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.completion.completing import complete
from alloypy.lsp.features.completion.offers import OfferKind, Offers
from alloypy.lsp.workspace.workspace import Workspace
from alloypy.schema import texts
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import ConfigReadError, parse_config
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.lexer import scan
from alloypy.syntax.source import Source
from tests.support.checking import check_text
from tests.support.counts import FULL
from tests.support.cut_names import Cut, names_in
from tests.support.documented import blocks

ROOT = Path(__file__).parents[2]
ENOUGH = 0.95
SAMPLE = 250
_TRIED = 3
"""How many of the offers at a place are put into the text and checked."""

_CUT_TOO = frozenset({"LCURLY", "RCURLY", "LBRACK", "RBRACK", "LPAREN", "RPAREN", "ASSIGN", "COMMA"})
"""What else is cut near a name; without another name the place would be another."""

_NOT_ALLOWED = frozenset(
    {
        codes.UNKNOWN_COMPONENT,
        codes.OUT_OF_SCOPE,
        codes.VALUE,
        codes.GATE,
        codes.PLACE,
        *(texts.CODES[each] for each in ("unknown attribute", "unknown block", "kind", "type", "repeated")),
    }
)


class Everything(Workspace):
    """A workspace where all stability levels are permitted."""

    def settings(self, path: str) -> Settings | None:
        return Settings("", "", stability=Stability.EXPERIMENTAL, community=True)


WORKSPACE = Everything()


def configurations() -> Iterator[str]:
    """The examples, the documented configurations, and the recorded ones that Alloy accepts."""
    for file in sorted(ROOT.glob("examples/**/*.alloy")):
        yield file.read_text("utf-8")
    for page in sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]):
        yield from (each.text for each in blocks(page) if each.language == "alloy")
    for recorded in sorted(ROOT.glob("tests/golden/validate/*.jsonl")):
        for line in recorded.read_text("utf-8").splitlines():
            text = json.loads(line).get("input")
            if isinstance(text, str):
                yield text


def faults(text: str) -> list[Diagnostic] | None:
    """The errors of a text; None if it cannot be parsed."""
    try:
        checked = check_text(text)
    except (DiagnosticsError, ConfigReadError):
        return None
    return [each for each in (*checked.as_alloy, *checked.further) if each.severity is Severity.ERROR]


def sound(text: str) -> bool:
    """Whether every name in the text means something."""
    found = faults(text)
    return found is not None and not any(each.code in _NOT_ALLOWED for each in found)


def questions() -> list[tuple[str, Cut, int, int, int]]:
    """A text, a name in it, what of the name is left, and a further token that is cut out, if any."""
    found = []
    for text in dict.fromkeys(configurations()):
        if not sound(text):
            continue
        source = Source("config.alloy", text.encode())
        (file,) = parse_config([source])
        tokens = [each for each in scan(source).tokens if each.type not in {"EOF", "TERMINATOR"}]
        for cut in names_in(file):
            found.append((text, cut, 0, 0, 0))
            size = cut.stop - cut.start
            if size > 1:
                found.append((text, cut, size // 2, 0, 0))
            near = [each for each in tokens if each.end <= cut.start][-2:]
            near += [each for each in tokens if each.start >= cut.stop][:2]
            near = [each for each in near if each.type in _CUT_TOO]
            found += [(text, cut, size, token.start, token.end) for token in near]
    return found


def ask(data: bytes, at: int) -> Offers:
    return complete(place_at(WORKSPACE, Document("config.alloy", data), at))


def missed(text: str, cut: Cut, kept: int, start: int, stop: int, random: Random) -> str:
    """What is wrong with the offers where a name was cut; empty if nothing is."""
    whole = text.encode()
    data = whole[: cut.start + kept] + whole[cut.stop :]
    at = cut.start + kept
    if stop:
        if start >= cut.stop:
            start, stop = start - (cut.stop - cut.start - kept), stop - (cut.stop - cut.start - kept)
        data = data[:start] + data[stop:]
        at -= stop - start if stop <= at else 0
    offers = ask(data, at)
    name = whole[cut.start : cut.stop]
    before = data[offers.start : at]
    expected = (whole[: cut.stop][-len(before) - len(name) + kept :]).decode("utf-8", "replace")
    written = before.decode("utf-8", "replace")[: len(before) - kept] + name.decode()
    rest = whole[cut.stop :].split(b"\n")[0].decode("utf-8", "replace")
    labels = [each.label.strip('[]"') for each in offers.items]
    if not any(each.startswith(written) and rest.startswith(each[len(written) :]) for each in labels):
        return f"not offered ({expected})"
    if stop:
        return ""
    tried = [each for each in offers.items if each.kind is not OfferKind.FUNCTION]  # they need arguments
    for offer in random.sample(tried, min(_TRIED, len(tried))):
        put = offer.text.removesuffix(" = ").encode()
        new = data[: offers.start] + put + data[offers.stop :]
        end = offers.start + len(put)
        for fault in faults(new.decode()) or ():
            span = fault.span
            if fault.code in _NOT_ALLOWED and span is not None and offers.start <= span.start < end:
                return f"{offer.label} is not allowed: {fault.code} {fault.message}"
    return ""


def test_where_a_name_stood_it_is_offered() -> None:
    random = Random(7)
    asked = questions()
    chosen = asked if FULL else random.sample(asked, SAMPLE)
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    misses = []
    for text, cut, kept, start, stop in chosen:
        kind = f"{cut.kind}, another token cut" if stop else cut.kind
        total[kind] += 1
        found = missed(text, cut, kept, start, stop, random)
        right[kind] += not found
        if found:
            misses.append((kind, found, text[max(0, cut.start - 40) : cut.stop + 20], text[start:stop]))
    shares = {kind: f"{right[kind]} of {count}" for kind, count in sorted(total.items())}
    print(shares, right.total() / total.total())
    assert right.total() >= ENOUGH * total.total(), (shares, misses[:20])
