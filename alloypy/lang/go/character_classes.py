"""The named classes of characters in Go's regular expressions, and how to write them for RE2.

RE2 has the same scripts and categories, but takes only their exact names, and lacks a few.
Source: Go 1.26, `regexp/syntax`.
"""

from __future__ import annotations

import re

POSIX = frozenset(
    f"[:{negation}{name}:]"
    for negation in ("", "^")
    for name in (
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    )
)  # fmt: skip
"""All forms of `[:alpha:]`."""

_UNICODE_NAMES = """
adlam ahom any arabic armenian ascii assigned avestan balinese bamum batak bengali bhaiksuki bopomofo brahmi
braille buginese buhid c carian casedletter cc cf chakma cham cherokee chorasmian closepunctuation cn cntrl
co combiningmark common connectorpunctuation control coptic cs cuneiform currencysymbol cypriot cyrillic
dashpunctuation decimalnumber deseret devanagari digit dogra duployan elbasan elymaic enclosingmark ethiopic
finalpunctuation format georgian glagolitic gothic grantha greek gujarati gurmukhi han hangul hanunoo hatran
hebrew hiragana inherited initialpunctuation javanese kaithi kannada katakana kawi kharoshthi khmer khojki
khudawadi l lao latin lc lepcha letter letternumber limbu lineseparator lisu ll lm lo lowercaseletter lt lu
lycian lydian m mahajani makasar malayalam mandaic manichaean marchen mark mathsymbol mc me medefaidrin miao
mn modi modifierletter modifiersymbol mongolian mro multani myanmar n nabataean nandinagari nd newa nko nl
no nonspacingmark number nushu ogham openpunctuation oriya osage osmanya other otherletter othernumber
otherpunctuation othersymbol p palmyrene paragraphseparator pc pd pe pf phoenician pi po privateuse ps punct
punctuation rejang runic s samaritan saurashtra sc separator sharada shavian siddham sinhala sk sm so
sogdian soyombo spaceseparator spacingmark sundanese surrogate symbol syriac tagalog tagbanwa takri tamil
tangsa tangut telugu thaana thai tibetan tifinagh tirhuta titlecaseletter toto ugaritic unassigned
uppercaseletter vai vithkuqi wancho yezidi yi z zl zp zs
"""
"""The names of Unicode's classes that Go 1.26 finds, without `_`, `-` and spaces."""
_UNICODE = frozenset(_UNICODE_NAMES.split())

_LONG_NAMES = """
casedletter lc closepunctuation pe cntrl cc combiningmark m connectorpunctuation pc control cc
currencysymbol sc dashpunctuation pd decimalnumber nd digit nd enclosingmark me finalpunctuation pf
format cf initialpunctuation pi letter l letternumber nl lineseparator zl lowercaseletter ll mark m
mathsymbol sm modifierletter lm modifiersymbol sk nonspacingmark mn number n openpunctuation ps other c
otherletter lo othernumber no otherpunctuation po othersymbol so paragraphseparator zp privateuse co
punct p punctuation p separator z spaceseparator zs spacingmark mc surrogate cs symbol s titlecaseletter
lt unassigned cn uppercaseletter lu
"""
"""Long names of categories, each with the short one."""
_UNIONS = {
    "lc": r"\p{Lu}\p{Ll}\p{Lt}",
    "ascii": r"\x00-\x7F",
    "assigned": r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}\p{C}",
}
"""What RE2 has no name for, as the content of a class."""
_TOKEN = re.compile(
    r"(?s)\\Q.*?(?:\\E|\Z)|\\(?P<sign>[pP])(?:\{(?P<long>[^}]*)\}|(?P<short>.))|\\.|\[\^?\]?|\]"
)
_TOKEN_IN_CLASS = re.compile(
    r"(?s)\\(?P<sign>[pP])(?:\{(?P<long>[^}]*)\}|(?P<short>.))|\\.|\[:\^?[a-z]+:\]|\]"
)


def is_unicode_class(name: str) -> bool:
    r"""Whether Go knows the class `\p{name}`."""
    return _canonical(name) in _UNICODE


def for_re2(text: str) -> str:
    """An expression that Go accepts, with the names of its classes as RE2 knows them.

    What RE2 cannot express stays, so that it refuses it: the complement of several categories within a class.
    """
    parts: list[str] = []
    at, inside = 0, False
    while found := (_TOKEN_IN_CLASS if inside else _TOKEN).search(text, at):
        parts.append(text[at : found.start()])
        at, piece = found.end(), found.group()
        if found["sign"]:
            piece = (
                _class(found["sign"] == "P", found["long"] or found["short"] or "", inside=inside) or piece
            )
        elif piece == "]":
            inside = False
        elif piece[0] == "[" and piece[:2] != "[:":
            inside = True
        parts.append(piece)
    return "".join((*parts, text[at:]))


def _class(negated: bool, name: str, *, inside: bool) -> str:
    """A class in RE2's words; "" if it has none."""
    if name.startswith("^"):
        negated, name = not negated, name[1:]
    words = _LONG_NAMES.split()
    name = _canonical(name)
    name = dict(zip(words[::2], words[1::2], strict=True)).get(name, name)
    if name == "cn":
        negated, name = not negated, "assigned"
    if name not in _UNIONS:
        return f"\\{'P' if negated else 'p'}{{{name.capitalize()}}}"
    if not inside:
        return f"[{'^' if negated else ''}{_UNIONS[name]}]"
    if negated:
        return r"\x{80}-\x{10FFFF}" if name == "ascii" else ""
    return _UNIONS[name]


def _canonical(name: str) -> str:
    if not name.isascii():
        return ""
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()
