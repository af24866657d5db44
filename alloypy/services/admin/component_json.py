"""Components as the JSON of the admin API, in Alloy's shape and order of keys.

Source: docs/spec/RUNTIME.md, section 4.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from alloypy.runtime.contract.options import ComponentInfo
from alloypy.runtime.pace import Pace
from alloypy.schema.encode import encode_text
from alloypy.services.admin.messages import as_utf8, encoded


def seen_live(info: ComponentInfo) -> bool:
    """Whether live debugging, when it is on, shows what passes a component."""
    return info.name.startswith(("pyroscope.", "alloypy."))


def summary(info: ComponentInfo, *, live: bool) -> dict[str, Any]:
    """An entry of a list: everything except arguments, exports and debug information.

    live: whether live debugging is on.
    """
    result = _head(info)
    result |= {"original": "", "arguments": [], "exports": [], "debugInfo": []}
    return _with_tail(result, info, live)


async def summaries(infos: Iterable[ComponentInfo], *, live: bool) -> list[dict[str, Any]]:
    """The entries of a list; other tasks may run while a long one is made."""
    pace, entries = Pace(), []
    for info in infos:
        entries.append(summary(info, live=live))
        await pace.breathe()
    return entries


def detail(info: ComponentInfo, *, live: bool) -> bytes:
    """One component in full, as JSON; secrets are shown as `(secret)`. With many targets this takes long."""
    contents = {
        "arguments": info.arguments,
        "exports": info.exports,
        "debugInfo": info.debug_info,
    }
    text = io.BytesIO()
    text.write(encoded({**_head(info), "original": ""})[:-1])
    for key, content in contents.items():
        text.write(f',"{key}":'.encode())
        for piece in encode_text(content):
            text.write(as_utf8(piece))
    tail = encoded(_with_tail({}, info, live))
    text.write(b"," + tail[1:])
    return text.getvalue()


def _head(info: ComponentInfo) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": info.name,
        "type": "block",
        "localID": info.id,
        "moduleID": info.module,
        "label": info.label,
        "referencesTo": list(info.references),
        "referencedBy": list(info.referenced_by),
        "dataFlowEdgesTo": list(info.data_flow),
        "health": {
            "state": info.health.state.text,
            "message": info.health.message,
            "updatedTime": _rfc3339(info.health.time),
        },
    }
    if not info.label:
        del result["label"]
    return result


def _with_tail(result: dict[str, Any], info: ComponentInfo, live: bool) -> dict[str, Any]:
    if info.modules:
        result["createdModuleIDs"] = list(info.modules)
    result["liveDebuggingEnabled"] = live and seen_live(info)
    return result


def _rfc3339(time: datetime) -> str:
    """UTC with as many fractional digits as there are."""
    text = time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return text.rstrip("0").rstrip(".") + "Z"
