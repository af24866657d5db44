"""One recorded case: its texts and files, and how what is seen is written down."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.component_cases import certificates

FOLDER = Path(__file__).parents[2] / "golden" / "components"
_NUMBERS = itertools.count(1)
ABSENT = "<absent>"


def load() -> list[dict[str, Any]]:
    """All recorded cases."""
    return [
        json.loads(line)
        for path in sorted(FOLDER.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]


def differences() -> dict[str, dict[str, Any]]:
    """Where alloypy answers differently on purpose: by id, the `reason` and `ours`, our values by path."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(FOLDER.glob("*.differences.json")):
        found |= json.loads(path.read_text("utf-8"))
    return found


class Case:
    """A case in a directory of its own.

    given: as recorded. ports: of its servers. result: what has been seen so far, phase by phase.
    """

    def __init__(self, given: Mapping[str, Any], folder: Path) -> None:
        self.given = given
        self.id: str = given["id"]
        self.label = f"kz{next(_NUMBERS):04d}y"
        self.folder = folder / self.label
        self.folder.mkdir()
        self.ports: dict[str, int] = {}
        self.result: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.log_from = 0

    @property
    def phases(self) -> list[dict[str, Any]]:
        """Its phases."""
        phases: list[dict[str, Any]] = self.given["phases"]
        return phases

    def config(self, phase: int) -> str:
        """The configuration in force in a phase."""
        texts = [each["config"] for each in self.phases[: phase + 1] if each.get("config") is not None]
        return self.filled(texts[-1]) if texts else ""

    def filled(self, text: str) -> str:
        """A text with place holders replaced."""
        if "@" not in text:
            return text
        text = text.replace("@L@", self.label).replace("@D@", str(self.folder))
        text = text.replace("@CA@", certificates.CA).replace("@CRT@", certificates.CLIENT)
        text = text.replace("@KEY@", certificates.CLIENT_KEY)
        text = re.sub(r"@P:(\w+)@", lambda found: str(self.ports[found[1]]), text)
        return re.sub(r"@H:(\w+)@", lambda found: f"127.0.0.1:{self.ports[found[1]]}", text)

    def written(self, seen: Any) -> Any:
        """What was seen, with place holders for what differs from run to run."""
        if isinstance(seen, list):
            return [self.written(each) for each in seen]
        if isinstance(seen, dict):
            return {self.written(key): self.written(value) for key, value in seen.items()}
        if not isinstance(seen, str) or re.fullmatch(r"[0-9a-f]{64}", seen):
            return seen
        text = seen.replace(str(self.folder), "@D@").replace(self.label, "@L@")
        for name, port in self.ports.items():
            if port:
                text = re.sub(rf"(?<!\d){port}(?!\d)", f"@P:{name}@", text)
        text = re.sub(r"127\.0\.0\.1:\d+->", "127.0.0.1:@EPH@->", text)
        text = re.sub(r"/[\w./-]*config\.alloy", "@CONFIG@", text)
        return re.sub(r"0xc[0-9a-f]{7,}", "@PTR@", text)

    def change_files(self, phase: Mapping[str, Any], *, first: bool = False) -> None:
        """Remove, rename and write files. first: written in place, later ones are replaced."""
        for name in phase.get("remove", []):
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.is_symlink() or path.exists():
                path.unlink()
        for old, new in phase.get("rename", []):
            (self.folder / old).rename(self.folder / new)
        for name, content in (phase.get("files") or {}).items():
            given = {"text": content} if isinstance(content, str) else content
            self._write(self.folder / name, given, first)

    def _write(self, path: Path, given: Mapping[str, Any], first: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if "link" in given:
            path.symlink_to(self.filled(given["link"]))
            return
        if given.get("dir"):
            path.mkdir(exist_ok=True)
            return
        data = (
            base64.b64decode(given["b64"]) if "b64" in given else self.filled(given.get("text", "")).encode()
        )
        if first and not given.get("atomic"):
            path.write_bytes(data)
        else:
            aside = self.folder.parent / f".new-{self.label}"
            aside.write_bytes(data)
            aside.rename(path)
        if "mode" in given:
            path.chmod(given["mode"])
        if "age" in given:
            at = time.time() - given["age"]
            os.utime(path, (at, at))


def differing(wanted: Any, seen: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The places at which two records differ, with both values."""
    if type(wanted) is not type(seen):
        yield path, wanted, seen
    elif isinstance(wanted, dict):
        for key in sorted({*wanted, *seen}):
            yield from differing(wanted.get(key, ABSENT), seen.get(key, ABSENT), f"{path}/{key}")
    elif isinstance(wanted, list):
        if len(wanted) != len(seen):
            yield path, wanted, seen
            return
        for at, (one, other) in enumerate(zip(wanted, seen, strict=True)):
            yield from differing(one, other, f"{path}[{at}]")
    elif wanted != seen:
        yield path, wanted, seen


def comparable(record: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A record without what is never compared: excerpts of the configuration and hints, in messages."""
    return [{key: _comparable(key, value) for key, value in phase.items()} for phase in record]


def _comparable(key: str, value: Any) -> Any:
    if key == "diag" and isinstance(value, str):
        return _without_excerpts(value)
    if key == "sink":  # their digests are compared; some recordings also describe them
        return {name: _without_descriptions(profiles) for name, profiles in value.items()}
    return value


def _without_descriptions(profiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = [{key: value for key, value in each.items() if key != "profile"} for each in profiles]
    return sorted(kept, key=lambda each: json.dumps(each, sort_keys=True))


def _without_excerpts(text: str) -> str:
    kept = [line for line in text.splitlines() if line and not re.match(r"\s*\d* ?\|| +[=|]", line)]
    return "\n".join(kept)
