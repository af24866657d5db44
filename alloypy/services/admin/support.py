"""The support bundle: what a remote helper needs to see, in one zip archive.

The layout is Alloy's; Go's runtime profiles have no counterpart here.
Source: docs/spec/RUNTIME.md, section 4.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import platform
import time
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from alloypy import __version__
from alloypy.lang.go.text import parse_decimal
from alloypy.lang.secrecy import hide
from alloypy.runtime.controller import Controller
from alloypy.services.admin.component_json import summaries
from alloypy.services.admin.messages import shown
from alloypy.services.logging import LogStream
from alloypy.syntax.tree import File
from alloypy.threads import WORK

_LONGEST = 30
_ARCHIVE_SECONDS = 60.0
_VARIABLES = ("HOSTNAME", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
_STARTED = time.monotonic()


def bundle_seconds(text: str | None) -> int:
    """Seconds to collect, from the `duration` parameter; without one, the longest time. Raises ValueError."""
    if text is None:
        return _LONGEST
    try:
        seconds = parse_decimal(text)
    except ValueError as reason:
        raise ValueError(
            "duration value (in seconds) should be a positive integer: "
            f"strconv.Atoi: parsing {shown(text)}: {reason}"
        ) from None
    if seconds < 1:
        raise ValueError("duration value (in seconds) should be larger than 1")
    if seconds > _LONGEST:
        raise ValueError("duration value exceeds the server's write timeout")
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportBundle:
    """Collects the bundle.

    flags: the command line's `name=value` pairs. sources: returns the files of the running configuration.
    live: whether live debugging is on.
    """

    controller: Controller
    metrics: Callable[[], Awaitable[str]]
    log: LogStream
    flags: Sequence[str]
    peers: Callable[[], object]
    sources: Callable[[], Sequence[File]]
    live: Callable[[], bool]

    async def __call__(self, seconds: int) -> bytes:
        """The zip archive, collected over `seconds`."""
        first = await self.metrics()
        with self.log.copied() as lines:
            await asyncio.sleep(seconds)
        components = await summaries(self.controller.components(), live=self.live())
        environment = [f"{name}={hide(os.environ.get(name, ''), _kind(name))}" for name in _VARIABLES]
        entries = {
            "alloy-metadata.yaml": _metadata(),
            "alloy-components.json": json.dumps(components),
            "alloy-peers.json": json.dumps(self.peers()),
            "alloy-runtime-flags.txt": "\n".join(map(_shown_flag, self.flags)),
            "alloy-environment.txt": "\n".join(environment),
            "alloy-metrics-sample-start.txt": first,
            "alloy-metrics-sample-end.txt": await self.metrics(),
        }
        if lines:
            entries["alloy-logs.txt"] = "".join(lines)
        sources = self.sources()
        return await WORK.run(lambda: _archive(entries, sources), _ARCHIVE_SECONDS)


def _archive(entries: Mapping[str, str], sources: Sequence[File]) -> bytes:
    from alloypy.check.masking import MASK

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(f"alloy-support-bundle/{name}", text.encode(errors="surrogateescape"))
        for file in sources:
            name = PurePath(file.source.name).name
            archive.writestr(f"alloy-support-bundle/sources/{name}", MASK.shareable(file))
    return content.getvalue()


def _metadata() -> str:
    fields = {
        "build_version": f"v{__version__}",
        "os": platform.system().lower(),
        "architecture": platform.machine(),
        "uptime": f"{time.monotonic() - _STARTED:.3f}",
        "python_version": platform.python_version(),
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def _kind(variable: str) -> str:
    """The kind of secret that a variable may hold: a proxy's URL, or none."""
    return "proxy" if variable.lower() in ("http_proxy", "https_proxy") else ""


def _shown_flag(pair: str) -> str:
    name, _, value = pair.partition("=")
    return f"{name}={hide(value, name)}"
