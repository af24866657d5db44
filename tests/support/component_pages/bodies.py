"""Settings as tables: the attributes and blocks of a body, each block in a section of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from alloypy.catalog.versions import find_version
from alloypy.catalog.wording import short
from alloypy.components.http_client import (
    AuthorizationArguments,
    BasicAuthArguments,
    HTTPClientArguments,
    OAuth2Arguments,
    TLSArguments,
)
from alloypy.components.relabel_rule import RuleArguments
from alloypy.schema.describe import default_of
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec

HTTP_PAGE = "http-client.md"
RULES_PAGE = "relabel-rules.md"
_ELSEWHERE: Mapping[type[Any], str] = {
    BasicAuthArguments: f"{HTTP_PAGE}#basic_auth",
    AuthorizationArguments: f"{HTTP_PAGE}#authorization",
    OAuth2Arguments: f"{HTTP_PAGE}#oauth2",
    TLSArguments: f"{HTTP_PAGE}#tls_config",
    HTTPClientArguments: HTTP_PAGE,
    RuleArguments: RULES_PAGE,
}
"""Where the blocks are described that many components share."""

_KINDS = {
    "capsule(pyroscope.Appendable)": "receiver",
    "capsule(discovery.Target)": "target",
    "capsule(relabel.Rules)": "rules",
    "optional_secret": "string or secret",
}
_FOREVER = "2562047h47m16.854775807s"
"""The longest duration there is."""
_CODE = re.compile(r"(`+.+?`+)")
_SPECIAL = re.compile(r"([|<*\[\]])")


class Block(NamedTuple):
    """A block and where it is: `("http", "tls")`.

    elsewhere: the place of its description on another page, or "".
    """

    path: tuple[str, ...]
    described: Mapping[str, Any]
    own: Spec | None
    elsewhere: str


class Section(NamedTuple):
    """The description of one block, or of several with the same content."""

    blocks: list[Block]
    lines: list[str]

    @property
    def title(self) -> str:
        """The heading: `http` > `tls`."""
        first, *others = map(_path_text, self.blocks)
        return f"{first} and {len(others)} others" if len(others) > 1 else ", ".join([first, *others])


def prose(text: str) -> str:
    """Words as Markdown, in a table too: what could be markup is escaped outside of code."""
    parts = _CODE.split(text)
    return "".join(
        part.replace("|", r"\|") if number % 2 else _SPECIAL.sub(r"\\\1", part)
        for number, part in enumerate(parts)
    )


def anchor(title: str) -> str:
    """The fragment that leads to a heading on the web."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def type_name(text: str) -> str:
    """A type as users call it: a target, not the capsule that holds it."""
    for kind, name in _KINDS.items():
        text = text.replace(kind, name)
    return text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table, followed by an empty line."""
    lines = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def settings(described: Mapping[str, Any], own: Spec | None, *, shared: bool = True) -> list[str]:
    """The attributes of a component, and a section for each of its blocks.

    shared: put a link to their page in place of the settings of HTTP clients.
    """
    sections = _sections(list(_blocks(described, own, (), shared=shared)))
    return [
        *_attributes(described, own, shared=shared),
        *_overview(list(_every_block(described, own, (), shared=shared)), sections),
        *(line for section in sections for line in [f"### {section.title}", "", *section.lines]),
    ]


def _names_of_clients(own: Spec | None) -> set[str]:
    """The members that are settings of HTTP clients which the body shares with others."""
    if own is None:
        return set()
    places = [path for path, (cls, _) in own.squashed.items() if cls is HTTPClientArguments]
    return {each.name for each in own.members if any(each.path[: len(path)] == path for path in places)}


def _attributes(described: Mapping[str, Any], own: Spec | None, *, shared: bool = True) -> list[str]:
    elsewhere = _names_of_clients(own) if shared else set()
    shown = [each for each in described.get("attributes", ()) if each["name"] not in elsewhere]
    rows = [
        (f"`{each['name']}`", type_name(each["type"]), _default(each, own), _words(each)) for each in shown
    ]
    lines = table(("Name", "Type", "Default", "Description"), rows) if rows else []
    if "free" in described:
        lines += [f"Names are free; the values are of type {type_name(described['free'])}.", ""]
    if elsewhere:
        also = "also " if rows else ""
        lines += [f"It {also}takes the [settings of HTTP clients]({HTTP_PAGE}).", ""]
    return lines or ["None.", ""]


def _default(attribute: Mapping[str, Any], own: Spec | None) -> str:
    """The default; nothing for an empty text, list or object."""
    if attribute["required"]:
        return "**required**"
    default = attribute.get("default")
    member = None if own is None else own.lookup.get(attribute["name"])
    if default is None and isinstance(member, AttributeSpec):
        default = default_of(member)
    if default is None or default in ("", [], {}):
        return ""
    if default == _FOREVER:
        return "no limit"
    return f"`{json.dumps(default, ensure_ascii=False)}`".replace("|", r"\|")


def _words(member: Mapping[str, Any]) -> str:
    words = [prose(member["doc"])] if member.get("doc") else []
    values = [value for value in member.get("values", ()) if value]
    if any(value not in member.get("doc", "") for value in values):
        words.append(f"One of {', '.join(f'`{json.dumps(value)}`' for value in values)}.")
    if "since" in member:
        words.append(f"Since Alloy {short(find_version(member['since']))}.")
    if "deprecated" in member:
        words.append(f"Deprecated since Alloy {short(find_version(member['deprecated']))}.")
    if member.get("only_alloypy"):
        words.append("**Only in alloypy.**")
    return " ".join(words)


def _blocks(
    described: Mapping[str, Any], own: Spec | None, around: tuple[str, ...], *, shared: bool
) -> Iterator[Block]:
    """The blocks that get a section on this page."""
    return (block for block in _every_block(described, own, around, shared=shared) if not block.elsewhere)


def _every_block(
    described: Mapping[str, Any], own: Spec | None, around: tuple[str, ...], *, shared: bool
) -> Iterator[Block]:
    """All blocks in the order of the page, without those inside of blocks that other pages describe."""
    hidden = _names_of_clients(own) if shared else set()
    for each in described.get("blocks", ()):
        if each["name"] in hidden:
            continue
        member = None if own is None else own.groups.get(each["name"]) or own.lookup.get(each["name"])
        body = member.body if isinstance(member, BlockSpec) else None
        elsewhere = _ELSEWHERE.get(body.cls, "") if body is not None and body.cls is not None else ""
        if not shared:
            elsewhere = elsewhere.removeprefix(HTTP_PAGE) if around else ""
        block = Block((*around, each["name"]), each, body, elsewhere)
        yield block
        if not elsewhere and "recursive" not in each["body"]:
            yield from _every_block(each["body"], body, block.path, shared=shared)


def _path_text(block: Block) -> str:
    return " > ".join(f"`{name}`" for name in block.path)


def _overview(blocks: Sequence[Block], sections: Sequence[Section]) -> list[str]:
    """The blocks with their meaning, each leading to its section."""
    if not blocks:
        return []
    places = {block.path: f"#{anchor(section.title)}" for section in sections for block in section.blocks}
    rows = [
        (
            f"[{_path_text(block)}]({block.elsewhere or places[block.path]})",
            _number(block.described),
            _words(block.described),
        )
        for block in blocks
    ]
    return ["## Blocks", "", *table(("Block", "How often", "Description"), rows)]


def _number(described: Mapping[str, Any]) -> str:
    if described.get("count") is not None:
        return f"{described['count']} times"
    if described["repeated"]:
        return "once or more" if described["required"] else "any number"
    return "**once**" if described["required"] else "at most once"


def _sections(blocks: Sequence[Block]) -> list[Section]:
    """The blocks by content: those of one class once, and those that differ in defaults together."""
    sections: list[Section] = []
    by_class: dict[type[Any], Section] = {}
    for block in blocks:
        cls = None if block.own is None else block.own.cls
        same = by_class.get(cls) if cls is not None else None
        if same is None and sections and _alike(sections[-1].blocks[-1], block):
            same = sections[-1]
        if same is not None:
            same.blocks.append(block)
            continue
        sections.append(Section([block], []))
        if cls is not None:
            by_class[cls] = sections[-1]
    for section in sections:
        section.lines.extend(_content(section.blocks))
    return sections


def _alike(one: Block, other: Block) -> bool:
    """Whether blocks beside each other differ in nothing but defaults."""
    return one.path[:-1] == other.path[:-1] and _form(one) == _form(other) != ()


def _form(block: Block) -> tuple[Any, ...]:
    body = block.described["body"]
    if body.get("blocks") or body.get("label") or _names_of_clients(block.own):
        return ()
    return tuple(
        (each["name"], each["type"], each["required"], each.get("doc")) for each in body["attributes"]
    )


def _content(blocks: Sequence[Block]) -> list[str]:
    body = blocks[0].described["body"]
    label = (
        [f'It has a label, as in `{blocks[0].path[-1]} "NAME" {{ ... }}`.', ""] if body.get("label") else []
    )
    values = [(f"`{block.path[-1]}`", *_defaults(block)) for block in blocks]
    if len({tuple(defaults) for _, *defaults in values}) == 1:
        return [*label, *_attributes(body, blocks[0].own)]
    attributes = body["attributes"]
    rows = [(f"`{each['name']}`", type_name(each["type"]), _words(each)) for each in attributes]
    return [
        *table(("Name", "Type", "Description"), rows),
        "The defaults are:",
        "",
        *table(("Block", *(f"`{each['name']}`" for each in attributes)), values),
    ]


def _defaults(block: Block) -> list[str]:
    return [_default(each, block.own) for each in block.described["body"].get("attributes", ())]
