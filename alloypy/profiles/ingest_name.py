"""The `name` parameter of /ingest: `application{label=value,...}`, read and written.

Source: docs/spec/PYROSCOPE.md, section 3.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from alloypy.profiles.labels import (
    INVALID_BYTE,
    NAME,
    check_label_name,
    check_service_name,
    with_service_name,
)
from alloypy.profiles.model import Labels
from alloypy.profiles.remembered import LABELS, Memory, size_of

_PAIR: Final = re.compile(r"([^=}]*)=([^,}]*)[,}]")
# What Go trims; Python's strip() removes more.
_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003"
    "\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_BAD_ESCAPE: Final = re.compile(b"%(?![0-9a-fA-F]{2})")
_NAME_FIRST: Final = b"name="
_LONGEST_REMEMBERED_BYTES: Final = 4096
_read: Final[Memory[bytes, Labels]] = Memory(LABELS)


class WrittenName(NamedTuple):
    """A written `name` value; `replaced` counts the characters that could not be written."""

    text: str
    replaced: int


def labels_in_query(query: bytes) -> Labels:
    """The labels of an /ingest request with this query; see `ingest_labels`. Raises InvalidLabels."""
    # SDKs send the name first; a remembered name is known to be readable.
    if query.startswith(_NAME_FIRST):
        end = query.find(b"&")
        known = _read.get(query[len(_NAME_FIRST) : end if end >= 0 else None])
        if known is not None:
            return known[0]
    return ingest_labels(_name_parameter(query))


def ingest_labels(encoded: bytes) -> Labels:
    """The labels of an /ingest request: `name` parsed, then the receiver's service_name rule.

    encoded: the value of the query parameter, still percent-encoded. The mapping is shared between
    calls: treat it as frozen. Raises InvalidLabels.
    """
    known = _read.get(encoded) if len(encoded) <= _LONGEST_REMEMBERED_BYTES else None
    if known is not None:
        return known[0]
    name = unquote_to_bytes(encoded.replace(b"+", b" ")).decode("utf-8", "surrogateescape")
    labels = with_service_name(parse_name(name))
    if len(encoded) <= _LONGEST_REMEMBERED_BYTES:
        _read.put(encoded, labels, len(encoded) + size_of(labels))
    return labels


def _name_parameter(query: bytes) -> bytes:
    """The first `name` of a query, still encoded; empty if there is none that can be read.

    Pieces that Go cannot read are skipped. Source: docs/spec/PYROSCOPE.md, section 3.4.
    """
    for piece in query.split(b"&"):
        key, _, value = piece.partition(b"=")
        if key != b"name" and (b"%" not in key or unquote_to_bytes(key) != b"name"):
            continue
        if b";" not in piece and not _BAD_ESCAPE.search(piece):
            return value
    return b""


def parse_name(name: str) -> dict[str, str]:
    """The labels in `name`, including empty values, with the application's name as `__name__`.

    An unfinished pair, and anything after the closing brace, is ignored.
    Bytes that are not UTF-8 (surrogate escapes) are read as U+FFFD. Raises InvalidLabels.
    """
    application, _, pairs = INVALID_BYTE.sub("\ufffd", name).partition("{")
    application = application.strip(_SPACE)
    check_service_name(application)
    labels = {NAME: application}
    position = 0
    while pair := _PAIR.match(pairs, position):
        key = pair.group(1).strip(_SPACE)
        if key != NAME:
            check_label_name(key)
        labels[key] = pair.group(2).strip(_SPACE)
        position = pair.end()
    return labels


def format_name(labels: Mapping[str, str]) -> WrittenName:
    """The normalized form: the value of `__name__`, then the other labels sorted, in braces.

    The form has no escapes: a `,` or `}` in a value (or a `{` in the application's name) would be
    read back as other labels, so each such character is written as `_` and counted.
    """
    replaced = 0
    application, count = re.subn("[{,}]", "_", labels.get(NAME, ""))
    replaced += count
    pairs = []
    for key in sorted(labels):
        if key != NAME:
            value = labels[key]
            if "," in value or "}" in value:
                value, count = re.subn("[,}]", "_", value)
                replaced += count
            pairs.append(f"{key}={value}")
    return WrittenName(f"{application}{{{','.join(pairs)}}}", replaced)
