"""Compares what is seen of cases with the recordings, and with the differences that are on purpose."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alloypy.components.registry import REGISTRY
from tests.support.component_cases.case import comparable, differences, differing, load
from tests.support.component_cases.driving import grouped, replayed
from tests.support.counts import FULL

_TENTH = 10
Given = Mapping[str, Any]


def chosen() -> list[Given]:
    """The cases to replay: all in a full run, else a tenth that is always the same.

    A recorded crash of Alloy is replayed only if it is known what alloypy does instead. Cases in name spaces
    of their own need root. Cases with components that alloypy does not run are left out.
    """
    ours = differences()
    private = shutil.which("unshare") is not None and hasattr(os, "geteuid") and os.geteuid() == 0
    kept: list[Given] = [
        case
        for case in load()
        if (not case.get("fault") or case["id"] in ours) and (private or not case.get("ns")) and runs(case)
    ]
    return kept if FULL else [case for case in kept if _falls_to_us(case["id"])]


def runs(case: Given) -> bool:
    """Whether alloypy runs all components of a case, here: discovery.dns needs an extra."""
    if case["component"] == "discovery.dns" and find_spec("dns") is None:
        return False
    texts = (phase.get("config") or "" for phase in case["phases"])
    return all(
        name in REGISTRY for text in texts for name in re.findall(r'^\s*([\w.]+) "@L@', text, re.MULTILINE)
    )


def _falls_to_us(name: str) -> bool:
    return sha256(name.encode()).digest()[0] % _TENTH == 0


def groups() -> list[list[Given]]:
    """The chosen cases, in groups that share a process or a name space."""
    return grouped(chosen())


def unlike(case: Given, seen: Sequence[Any], ours: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The places where what was seen differs from what should be: path, wanted, seen.

    ours: the differences on purpose, by path. One that is not seen any more is reported as well.
    """
    left = dict(ours)
    wanted, found = comparable(case["expect"]), comparable(list(seen))
    for path, alloys, alloypys in differing(wanted, found):
        if path in left:
            own = left.pop(path)
            if own != alloypys:
                yield path, own, alloypys
        else:
            yield path, alloys, alloypys
    for path, own in left.items():
        yield path, own, "as Alloy does"


def report(case: Given, places: Sequence[tuple[str, Any, Any]]) -> str:
    """The differences of a case, for people."""
    lines = [f"{case['id']} ({case.get('about', '')})"]
    for path, wanted, seen in places:
        lines += [f"  {path}", f"    wanted {_short(wanted)}", f"    seen   {_short(seen)}"]
    return "\n".join(lines)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:900]


def failures(group: Sequence[Given], folder: Path) -> list[str]:
    """Replays a group; a report for each case that differs.

    The recordings hold what is seen after some seconds, which a busy machine may miss: cases that differ are
    replayed twice more without the others.
    """
    ours = differences()
    waiting, found = list(group), list[str]()
    for attempt in range(3):
        inner = folder / f"attempt-{attempt}"
        inner.mkdir()
        seen = results(waiting, inner)
        again, waiting, found = waiting, [], []
        for case in again:
            known = ours.get(case["id"], {}).get("ours", {})
            places = list(unlike(case, seen.get(case["id"], []), known))
            if places:
                found.append(report(case, places))
                waiting.append(case)
        if not waiting:
            break
    return found


def results(group: Sequence[Given], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What is seen of a group, in a name space of its own if it needs one."""
    if group[0].get("ns"):
        from tests.support.component_cases.namespaces import replayed_apart

        return replayed_apart(group, folder)
    return replayed(group, folder)


def main(arguments: Sequence[str]) -> int:
    """Check cases, or accept how they differ. See the package's docstring."""
    import tempfile
    from concurrent.futures import ThreadPoolExecutor

    command, *rest = arguments
    reason = rest.pop(0) if command == "accept" else ""
    ours = differences()
    cases = [c for c in load() if not rest or any(part in c["id"] for part in rest)]
    cases = [c for c in cases if not c.get("fault") or c["id"] in ours or command == "accept"]
    cases = [c for c in cases if runs(c)]
    counts: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        seen: dict[str, Any] = {}
        for each in pool.map(lambda group: results(group, Path(name)), grouped(cases)):
            seen |= each
    for case in cases:
        known = ours.get(case["id"], {}).get("ours", {})
        places = list(unlike(case, seen.get(case["id"], []), {} if command == "accept" else known))
        count = counts.setdefault(case["component"], [0, 0, 0])
        count[0] += 1
        count[1] += not places
        count[2] += not places and bool(known)
        if command == "accept" and places:
            ours[case["id"]] = {"reason": reason, "ours": {path: value for path, _, value in places}}
        elif places:
            print(report(case, places))
    if command == "accept":
        _store(ours)
    for component, (all_, equal, on_purpose) in sorted(counts.items()):
        print(f"{component:24} {equal} of {all_} as they should be, {on_purpose} of them differ on purpose")
    return 0


def _store(ours: Mapping[str, Any]) -> None:
    """Write the differences to the files of their components."""
    from tests.support.component_cases.case import FOLDER

    by_component: dict[str, dict[str, Any]] = {}
    for case in load():
        if case["id"] in ours:
            by_component.setdefault(case["component"], {})[case["id"]] = ours[case["id"]]
    for component, found in by_component.items():
        text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True)
        (FOLDER / f"{component}.differences.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
