"""Foreach: its template, and the names of its items' modules.

Source: docs/spec/RUNTIME.md, section 5.7.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from alloypy.graph.definitions import Template
from alloypy.lang.go.text import quote
from alloypy.lang.secrecy import names_secret, secret_parts
from alloypy.lang.values import Capsule
from alloypy.runtime.blocks.modules import ForeachArguments
from alloypy.runtime.contract.faults import NodeError
from alloypy.syntax.letters import is_identifier
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, Statement


def split_template(body: Sequence[Statement], source: Source) -> tuple[list[Statement], Template | None]:
    """A foreach's own statements and, separately, its template, which is not evaluated with them."""
    template = None
    own = []
    for statement in body:
        if isinstance(statement, Block) and statement.full_name == "template":
            template = Template(statement.body, source)
        else:
            own.append(statement)
    return own, template


def child_ids(arguments: ForeachArguments, log: logging.Logger) -> list[str]:
    """A name for every item, stable from one evaluation to the next.

    Equal items are numbered. Raises NodeError for an item whose name is not a valid identifier.
    """
    counts: dict[str, int] = {}
    ids = []
    for item in arguments.collection:
        key = _key(item, arguments.id, log) if arguments.id else item
        hashed = arguments.hash_string_id or _is_secret(key, arguments.id or arguments.var)
        name = f"foreach_{_fingerprint(key, hashed)}"
        counts[name] = counts.get(name, 0) + 1
        name = f"{name}_{counts[name]}"
        if not is_identifier(name):
            raise NodeError(
                f"creating custom component: customComponent ID {quote(name)} is not a valid identifier"
            )
        ids.append(name)
    return ids


def _key(item: Any, name: str, log: logging.Logger) -> Any:
    """The value that names an item: its field, or the item itself when it has no such field."""
    fields = item.fields() if isinstance(item, Capsule) else item
    if not isinstance(fields, Mapping):
        return item
    if name not in fields:
        log.warning("specified id not found in collection item", extra={"fields": {"id": name}})
        return item
    return fields[name]


def _is_secret(key: Any, called: str) -> bool:
    """Whether the key must not appear in the module's name, which logs, metrics and the API show."""
    return isinstance(key, str) and bool(names_secret(called) or secret_parts(key))


def _fingerprint(key: Any, hashed: bool) -> str:
    match key:
        case str():
            return _hash(key) if hashed else "".join(_letter(each) for each in key)
        case bool():
            return "true" if key else "false"
        case int():
            return str(int(key))
        case float():
            return f"{key:f}".replace(".", "_")
        case _:
            return _hash(_canonical(key))


def _letter(character: str) -> str:
    return character if is_identifier(f"_{character}") else "_"


def _hash(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _canonical(value: Any) -> str:
    """A value as text, the same for equal values; secrets count only as their hidden form."""
    match value:
        case Mapping():
            return "{" + ",".join(f"{quote(k)}:{_canonical(value[k])}" for k in sorted(value)) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_canonical, value)) + "]"
        case str():
            return quote(value)
        case Capsule():
            fields = value.fields()
            return value.describe() if fields is None else _canonical(fields)
        case _:
            return repr(value)
