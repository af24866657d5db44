"""What may have been meant by something that does not exist, or is of the wrong kind.

Each guess is a change of the text, based on what is around the fault. `alloypy.check.advice.hints` tries the
guesses and shows one that works.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, get_close_matches

from alloypy.check.advice.sight import Place, Visible
from alloypy.check.scope import Language
from alloypy.graph import codes
from alloypy.lang.evaluation.literals import string_value
from alloypy.schema import texts
from alloypy.syntax import tree
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.repairs.place import Repair
from alloypy.syntax.repairs.repairs import QUOTE

_ALIKE = 0.6
_VERY_ALIKE = 0.75
_RUN = re.compile(rb"(?:[\w.\-:]|/(?![/*]))+")
_DASHED = re.compile(rb"[\w.\-]+")
_LABEL_IN_BRACKETS = re.compile(rb"([\w.]+)\[\"(\w+)\"\](?:\.([\w.]+))?")
_ENV_BEFORE = re.compile(rb"(?:\bsys\.)?\benv\[\"?$")
_AFTER_VARIABLE = re.compile(rb"\"?\]")
_ENV_FIELD = re.compile(rb"(?:sys\.)?env\.(\w+)")
_KEYWORDS = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
    **dict.fromkeys(("null", "none", "nil"), "null"),
}
_FUNCTIONS = {
    "getenv": "sys.env",
    "environ": "sys.env",
    "os.getenv": "sys.env",
    "jsondecode": "encoding.from_json",
}
_VALUES = frozenset({codes.VALUE, texts.CODES["type"]})


def guesses(fault: Diagnostic, place: Place, language: Language) -> Iterator[Repair]:
    """What may mend the fault, the likeliest first."""
    start, end = place.start, place.end
    if fault.code == codes.OUT_OF_SCOPE:
        yield from _names(place, language)
    elif fault.code in _VALUES:
        yield from _values(fault.message, place, language)
    elif fault.code == codes.UNKNOWN_COMPONENT and fault.message.startswith("cannot find"):
        known = [*language.component_names, *language.block_names, *place.customs]
        written = place.text.split(" ", 1)[0]
        for name in get_close_matches(written.lower(), known, 3, _VERY_ALIKE):
            yield Repair(f"did you mean `{name}`?", (Edit(start, end, name),))
    elif fault.code == codes.NO_LABEL and place.block is not None:
        for label in (*place.dangling, "default"):
            yield Repair(f'write a label, as in `"{label}"`', (_labelling(place.block, label),))
    elif fault.code == codes.LABEL and place.block is not None:
        yield from _block_label(place.block)


def _labelling(block: tree.Block, label: str) -> Edit:
    """The change that gives a block without a label one; it may have an empty one."""
    if block.label_start is not None:
        return Edit(block.label_start, block.label_start + 2, f'"{label}"')
    return Edit(block.name_end + 1, block.name_end + 1, f' "{label}"')


def _block_label(block: tree.Block) -> Iterator[Repair]:
    after = block.name_end + 1
    if block.label_start is None:
        yield Repair('write a label, as in `"default"`', (Edit(after, after, ' "default"'),))
    else:
        yield Repair("this block has no label", (Edit(after, block.lcurly, " "),))


def _names(place: Place, language: Language) -> Iterator[Repair]:
    """For a name that is not known."""
    start, end, name = place.start, place.end, place.text
    dashed = _DASHED.match(place.data, start)
    if dashed is not None and b"-" in dashed[0]:
        meant = dashed[0].decode().replace("-", "_")
        if any(meant in each.chains or meant == each.id for each in place.visible):
            yield Repair(f"did you mean `{meant}`?", (Edit(start, dashed.end(), meant),))
    yield from _indexed(place)
    keyword = _KEYWORDS.get(name.lower())
    if keyword is not None:
        yield Repair(f"write `{keyword}`", (Edit(start, end, keyword),))
    for chain in _alike(name, place.visible):
        yield Repair(f"did you mean `{chain}`?", (Edit(start, end, chain),))
    for function in _functions(name, place, language):
        yield Repair(f"did you mean `{function}`?", (Edit(start, end, function),))
    run = _RUN.match(place.data, start)
    if run is not None and "." not in name and place.data[run.end() : run.end() + 1] not in {b"(", b"["}:
        yield Repair(QUOTE, (Edit(start, start, '"'), Edit(run.end(), run.end(), '"')))


def _indexed(place: Place) -> Iterator[Repair]:
    """Labels and variables in brackets: `a.b["c"].d`, `env[NAME]`."""
    label = _LABEL_IN_BRACKETS.match(place.data, place.start)
    if label is not None:
        chain = ".".join(part.decode("utf-8", "replace") for part in label.groups() if part)
        yield Repair(f"did you mean `{chain}`?", (Edit(place.start, label.end(), chain),))
    line = place.data.rfind(b"\n", 0, place.start) + 1
    begin = _ENV_BEFORE.search(place.data[line : place.start])
    after = _AFTER_VARIABLE.match(place.data, place.end)
    if begin is not None and after is not None:
        yield _environment(place.text, line + begin.start(), after.end())


def _environment(variable: str, start: int, end: int) -> Repair:
    call = f'sys.env("{variable}")'
    return Repair(f"write `{call}`", (Edit(start, end, call),))


def _functions(name: str, place: Place, language: Language) -> Iterator[str]:
    """Similar names in the library; the namespace may be missing or different."""
    known = [each for each in language.identifiers if each not in language.deprecated]
    for namespace, members in language.identifiers.items():
        if isinstance(members, Sequence) and not isinstance(members, str):
            known += [f"{namespace}.{member}" for member in members]
    if name.lower() in _FUNCTIONS:
        yield _FUNCTIONS[name.lower()]
    if place.data[place.end : place.end + 1] != b"(":
        known = [each for each in known if each.startswith("constants")] + ["constants"]
    last = name.rpartition(".")[2]
    yield from (each for each in known if each.rpartition(".")[2] == last)
    yield from get_close_matches(name, known, 2, _VERY_ALIKE)
    members_only = {each.rpartition(".")[2]: each for each in known}
    yield from (members_only[each] for each in get_close_matches(last, members_only, 1, _VERY_ALIKE))


def _alike(name: str, visible: Sequence[Visible]) -> list[str]:
    """Visible exports with similar names, the most similar first."""
    written = name.split(".")
    ranked = []
    for each in visible:
        for chain in each.chains or (_with_rest(each, written),):
            score = _likeness(written, each, chain, visible)
            if score:
                ranked.append((-score, -SequenceMatcher(None, name, chain).ratio(), chain))
    return [chain for _, _, chain in sorted(ranked)]


def _with_rest(each: Visible, written: list[str]) -> str:
    """The id of a component with unknown exports, followed by the rest of the written names."""
    return ".".join([each.id, *written[each.id.count(".") + 1 :]])


def unlabelled(place: Place) -> list[str]:
    """What a name without its label may mean, if several blocks have that name."""
    return [
        chain
        for each in place.visible
        for chain in each.chains
        if place.text in (each.name, f"{each.name}.{chain.rpartition('.')[2]}")
    ]


def _likeness(written: list[str], each: Visible, chain: str, visible: Sequence[Visible]) -> float:
    """How probably a chain was meant; 0 if it is not worth a hint."""
    size = len(each.name.split("."))
    kind, rest = written[:size], written[size:]
    export = chain.rpartition(".")[2]
    alike = _ratio(".".join(kind), each.name)
    short = not rest or (len(rest) == 1 and _ratio(rest[0], export) >= _VERY_ALIKE)
    if alike == 1 and short and (not rest or rest[0] != each.label):  # the label is missing
        return 0.95 if sum(other.name == each.name for other in visible) == 1 else 0
    if rest and alike >= _VERY_ALIKE:
        label = _label_likeness(rest[0], each, visible)
        if label >= _ALIKE:
            return alike + label
    if chain.endswith(f".{'.'.join(written)}") or written == [each.label]:  # the beginning is missing
        return 0.8
    same_end = kind[-1:] == each.name.split(".")[-1:] and rest == [each.label, export]
    same_family = written[0] == each.name.partition(".")[0]
    return 0.7 if same_end or (same_family and len(written) > 1 and each.label in written[1:]) else 0


def _label_likeness(written: str, each: Visible, visible: Sequence[Visible]) -> float:
    """As `_ratio`; labels of one or two letters are similar if there is no other."""
    if max(len(written), len(each.label)) <= 2 and sum(other.name == each.name for other in visible) == 1:
        return max(_ALIKE, _ratio(written, each.label))
    return _ratio(written, each.label)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _values(message: str, place: Place, language: Language) -> Iterator[Repair]:
    """For a value of the wrong kind, and for a field that does not exist."""
    start, end, node = place.start, place.end, place.expression
    if message.startswith("field "):
        for name in _members(place, language):
            yield Repair(f"did you mean `{name}`?", (Edit(start, end, name),))
        for each in place.visible:
            if place.holder == each.id:
                names = [chain.rpartition(".")[2] for chain in each.chains]
                for name in [
                    *get_close_matches(place.text, names, 3, _ALIKE),
                    *(names if len(names) == 1 else ()),
                ]:
                    yield Repair(f"did you mean `{name}`?", (Edit(start, end, name),))
        return
    variable = _ENV_FIELD.match(place.data, start)
    if variable is not None and "on value of type function" in message:
        yield _environment(variable[1].decode("utf-8", "replace"), start, variable.end())
    bracketed = "array, got" in message
    if isinstance(node, tree.Literal):
        yield from _literals(node, place, bracketed=bracketed)
    for chain in _exports(place):
        yield Repair(f"did you mean `{chain}`?", (Edit(start, end, chain),))
        if bracketed:
            yield Repair(f"did you mean `[{chain}]`?", (Edit(start, end, f"[{chain}]"),))
    if bracketed:
        yield Repair(
            "a list is written in brackets: `[a, b]`", (Edit(start, start, "["), Edit(end, end, "]"))
        )
    if isinstance(node, tree.Array) and len(node.elements) == 1:
        first = node.elements[0]
        yield Repair(
            "one value is written without brackets",
            (Edit(start, first.start, ""), Edit(first.end + 1, end, "")),
        )


def _members(place: Place, language: Language) -> list[str]:
    """Similar names in the namespace of the library before the dot."""
    if place.holder not in language.identifiers:
        return []
    from alloypy.check.expressions.library import constants_of

    listed = language.identifiers[place.holder]
    known = constants_of(language.identifiers) if place.holder == "constants" else listed
    names = [each for each in known if isinstance(each, str)] if isinstance(known, Sequence) else []
    return get_close_matches(place.text, names, 3, _ALIKE)


def _literals(node: tree.Literal, place: Place, *, bracketed: bool) -> Iterator[Repair]:
    start, end = place.start, place.end
    if node.kind != "STRING":
        yield Repair(QUOTE, (Edit(start, start, '"'), Edit(end, end, '"')))
        return
    text = string_value(node.text)
    known = [chain for each in place.visible for chain in each.chains]
    for chain in [*(each for each in known if each == text), *_alike(text, place.visible)]:
        meant = f"[{chain}]" if bracketed else chain
        yield Repair(f"write `{meant}` without quotes", (Edit(start, end, meant),))


def _exports(place: Place) -> Iterator[str]:
    """Other exports of the component that an expression names, or of another with the same label."""
    written = place.text
    own = [each for each in place.visible if written == each.id or written.startswith(f"{each.id}.")]
    for each in own:
        yield from (chain for chain in each.chains if chain != written)
    labels = {each.label for each in own}
    for each in place.visible:
        if each.label in labels and each not in own:
            yield from each.chains
