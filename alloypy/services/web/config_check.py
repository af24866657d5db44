"""Checks the files at the configuration's path as `alloypy validate` does, in a process of its own.

The checker is neither loaded into the process that forwards profiles nor takes its time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

from alloypy.check.masking import MASK
from alloypy.syntax.source import Source

_SECONDS = 20.0
_MOST = 200


class Finding(NamedTuple):
    """One fault or warning. severity: `error` or `warning`. place: `config.alloy:12:1`."""

    severity: str
    place: str
    message: str
    hint: str
    code: str


class Checked(NamedTuple):
    """The result of a check. problem: why there is none, or "". more: how many findings are left out."""

    findings: Sequence[Finding]
    problem: str = ""
    more: int = 0


class Checks:
    """Checks the same contents only once.

    path: the configuration's. flags: those that decide what is allowed, as `--name=value`.
    """

    def __init__(self, path: str, flags: Sequence[str]) -> None:
        self._command = (
            *(sys.executable, "-m", "alloypy", "validate", "--for=alloypy", "--no-settings"),
            *("--output-format=json", *flags, "--", path),
        )
        self._turn = asyncio.Lock()
        self._last: tuple[bytes, Checked] | None = None

    async def of(self, sources: Sequence[Source]) -> Checked:
        """The findings about the files at the path. sources: these files, as just read."""
        digest = hashlib.sha256(b"\0".join(each.data for each in sources)).digest()
        async with self._turn:
            if self._last is None or self._last[0] != digest:
                self._last = digest, await self._run(sources)
            return self._last[1]

    async def _run(self, sources: Sequence[Source]) -> Checked:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            return Checked((), f"the check cannot be started: {error.strerror or error}")
        try:
            async with asyncio.timeout(_SECONDS):
                output, _ = await process.communicate()
            found = json.loads(output)["diagnostics"]
        except TimeoutError:
            return Checked((), f"the check took longer than {_SECONDS:.0f} s")
        except (ValueError, KeyError):
            return Checked((), "the check ended without a result")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        by_name = {each.name: each for each in sources}
        findings = [_finding(each, by_name.get(each["file"])) for each in found[:_MOST]]
        return Checked(findings, more=max(0, len(found) - _MOST))


def _finding(given: dict[str, object], source: Source | None) -> Finding:
    message, hint = str(given["message"]), str(given["hint"])
    if source is not None:
        message, hint = (MASK.without_secrets_of(source, text) for text in (message, hint))
    place = f"{given['file']}:{given['line']}:{given['column']}" if given.get("line") else str(given["file"])
    return Finding(str(given["severity"]), place, message, hint, str(given["code"]))
