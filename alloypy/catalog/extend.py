"""Adds a version to the history: what differs from the version before is recorded from it on.

The other versions stay as they are. If the version is newer than all releases, its catalog becomes that of
main; what main no longer has is then listed in full. `alloypy.catalog.history` describes the records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from alloypy.catalog.history import SECTIONS, History
from alloypy.catalog.packed import generic, members, resolved
from alloypy.catalog.packing import pack_history
from alloypy.catalog.replay import PastStore
from alloypy.catalog.store import Lines, Store
from alloypy.catalog.versions import MAIN, Timeline

_FLAGS = {"block": "block", "req": "required", "rep": "repeated", "label": "label"}
_ENTRIES = ("components", "config_blocks")


class Fact(NamedTuple):
    """What one version says about a path.

    type: generic, None for a block. enum: the group of a block, or "". default: None for the zero value.
    """

    type: str | None
    required: bool
    repeated: bool
    label: bool
    enum: str
    default: Any

    @property
    def block(self) -> bool:
        """Whether it is a block."""
        return self.type is None


def unpack(lines: Lines) -> dict[str, Any]:
    """The listing that `alloypy.catalog.packing.pack_history` packs into these lines."""
    listing: dict[str, Any] = {"versions": [list(each) for each in lines.header["versions"]]}
    for section in (*_ENTRIES, "commands"):
        listing[section] = {name: lines.entry(section, name) for name in lines.names(section)}
    return {**listing, "stdlib": lines.entry("names", "stdlib"), "flags": listing.pop("commands")}


def extended(lines: Lines, old: Store, new: Store, version: str, date: str) -> tuple[dict[str, Any], bool]:
    """The listing of the history with one more version, and whether that is the newest.

    lines: the history. old: the catalog of main. new: the catalog of `version`, which is `main` itself or a
    release. date: of the version, as YYYY-MM-DD. Raises ValueError for a version that is known.
    """
    listing = unpack(lines)
    names = [name for name, _, _ in listing["versions"]]
    if version in names and version != MAIN:
        raise ValueError(f"the history already has Alloy {version}")
    row = [version, new.header["alloy_commit"][:12], date]
    place = sum(_key(name) < _key(version) for name in names)
    newest = place == len(names) - 1
    if version != MAIN:
        listing["versions"].insert(place, row)
    if newest:
        listing["versions"][-1] = [MAIN, *row[1:]]
    described = {place, len(listing["versions"]) - 1} if newest else {place}
    _Writer(listing, old, new, described, newest=newest).write()
    return listing, newest


def _key(name: str) -> tuple[bool, list[int], bool, list[int]]:
    """Orders versions: candidates before their release, main last."""
    release, _, candidate = name.partition("-")
    numbers = [int(number) for number in re.findall(r"\d+", release)]
    return name == MAIN, numbers, not candidate, [int(number) for number in re.findall(r"\d+", candidate)]


def facts(
    store: Store | PastStore, body: Any, before: str = "", around: tuple[str, ...] = ()
) -> Iterator[Any]:
    """Path and fact of everything in a body; a body that contains itself is entered once."""
    go = resolved(store, body)["go"]
    for name, member in members(store, body).items():
        is_block = member.notation is None
        default = None if is_block or len(member.packed) < 3 else member.packed[2]
        yield (
            f"{before}{name}",
            Fact(
                None if member.notation is None else generic(store.main, member.notation),
                member.required,
                "repeated" in member.flags,
                "label" in member.flags,
                member.flags.get("enum", ""),
                default,
            ),
        )
        if is_block and resolved(store, member.body)["go"] not in (*around, go):
            yield from facts(store, member.body, f"{before}{name}/", (*around, go))


class _Writer:
    """Writes a new catalog into a listing that already has its version.

    described: the indices of the versions that have it. newest: whether it becomes the catalog of main.
    """

    def __init__(
        self, listing: dict[str, Any], old: Store, new: Store, described: set[int], *, newest: bool
    ) -> None:
        self._listing = listing
        self._new = new
        self._main = new if newest else old
        history = self._history(old)
        self._timeline = history.timeline
        past = [PastStore(old, history, version) for version in history.timeline.versions]
        self._stores = [new if index in described else each for index, each in enumerate(past)]
        self._before = [past[index] for index in described] + ([old] if newest else [])
        self._bits = sum(1 << index for index in described)

    def _history(self, main: Store) -> History:
        return History(Lines(pack_history(self._listing), SECTIONS), main)

    def write(self) -> None:
        """Write what differs; records that say it already stay as they are."""
        changed = [(section, name) for section in _ENTRIES for name in self._changed(section)]
        for section, name in changed:
            self._presence(section, name)
        history = self._history(self._main)
        replayed = [PastStore(self._main, history, version) for version in self._timeline.versions]
        for section, name in changed:
            for part in ("args", "exports") if name in self._listing[section] else ():
                wanted = [_part(store, section, name, part) for store in self._stores]
                if wanted != [_part(store, section, name, part) for store in replayed]:
                    self._rewrite(section, name, part, wanted)
        self._functions()

    def _changed(self, section: str) -> Iterator[str]:
        """The names of which the new catalog says something else than the records and the catalog of main."""
        names = {name for store in (self._new, *self._before) for name in store.names(section)}
        for name in sorted(names):
            said = _all(self._new, section, name)
            if any(_all(store, section, name) != said for store in self._before):
                yield name

    def _presence(self, section: str, name: str) -> None:
        """Write which versions have a component or block, and at which levels."""
        levels: dict[str, int] = {}
        for index, store in enumerate(self._stores):
            if name in store.names(section):
                level = store.entry(section, name).get("stability", "generally-available")
                levels[level] = levels.get(level, 0) | 1 << index
        entry = self._listing[section].setdefault(name, {})
        if not levels:
            del self._listing[section][name]
            return
        entry["in"] = self._timeline.text(sum(levels.values()))
        entry["stability"] = _words(self._timeline, levels)
        if section == "config_blocks" and name in self._new.names(section):
            entry.setdefault("kind", self._new.entry(section, name)["kind"])

    def _rewrite(self, section: str, name: str, part: str, wanted: list[dict[str, Fact]]) -> None:
        """Write all records of a part anew."""
        entry = self._listing[section][name]
        catalog = _part(self._main, section, name, part)
        records = dict(_records(self._timeline, self._timeline.mask(entry["in"]), wanted, catalog))
        for path, record in entry.get(part, {}).items():
            kept = {key: record[key] for key in ("dep", "vals") if key in record}
            if kept and path in records:
                records[path].update(kept)
            elif kept and any(path in facts_ for facts_ in wanted):
                records[path] = record
        entry[part] = records
        if not records:
            del entry[part]

    def _functions(self) -> None:
        """Write the names of the library; the members of `constants` are in no catalog, and stay."""
        new = self._new
        names: set[str] = {*new.deprecated, "constants"}
        for name, inner in new.identifiers.items():
            names |= {f"{name}.{each}" for each in inner} if isinstance(inner, list) else {name}
        known = self._listing["stdlib"]
        for name in sorted({*names, *known}):
            if not name.startswith("constants."):
                record = known.setdefault(name, {})
                self._put(record, "in", name in names)
                self._put(record, "dep", name in new.deprecated)
                self._put(record, "experimental", name in new.experimental)
                if "in" not in record:
                    del known[name]

    def _put(self, record: dict[str, Any], key: str, holds: bool) -> None:
        """Make a range hold or not for what is described; one that never holds is dropped."""
        mask = self._timeline.mask(record[key]) if key in record else 0
        mask = mask | self._bits if holds else mask & ~self._bits
        record[key] = self._timeline.text(mask)
        if not mask:
            del record[key]


def _all(store: Store | PastStore, section: str, name: str) -> Any:
    """Everything that a catalog says about a component or config block; None if it has none of that name."""
    if name not in store.names(section):
        return None
    level = store.entry(section, name).get("stability", "generally-available")
    return level, *(_part(store, section, name, part) for part in ("args", "exports"))


def _part(store: Store | PastStore, section: str, name: str, part: str) -> dict[str, Fact]:
    """All facts of the arguments or exports of a component; none if there is no such component."""
    entry = store.entry(section, name) if name in store.names(section) else {}
    return dict(facts(store, entry[part])) if part in entry else {}


def _records(
    timeline: Timeline, around: int, wanted: list[dict[str, Fact]], catalog: Mapping[str, Fact]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records that lead from the catalog to each version. around: the versions with the component."""
    present = {"": around}
    for path in sorted({path for facts in wanted for path in facts}, key=lambda each: each.split("/")):
        versions = _versions_of(path, wanted)
        here = present[path] = sum(bits for _, bits in versions)
        outer = present[path.rpartition("/")[0]]
        if here == outer and [fact for fact, _ in versions] == [catalog.get(path)]:
            continue
        record = {"in": timeline.text(here)} if here != outer else {}
        yield path, {**record, **_record(timeline, here, versions, catalog.get(path))}


def _versions_of(path: str, wanted: list[dict[str, Fact]]) -> list[tuple[Fact, int]]:
    """The different facts about a path, with the versions of each."""
    versions: list[tuple[Fact, int]] = []
    for index, known in enumerate(wanted):
        if path in known:
            fact, bit = known[path], 1 << index
            place = next((n for n, (each, _) in enumerate(versions) if each == fact), len(versions))
            versions[place:] = [
                (fact, bit | (versions[place][1] if versions[place:] else 0)),
                *versions[place + 1 :],
            ]
    return versions


def _record(
    timeline: Timeline, here: int, versions: list[tuple[Fact, int]], catalog: Fact | None
) -> dict[str, Any]:
    """One record without its `in`. here: all versions that have the path."""
    record: dict[str, Any] = {}
    for key, name in _FLAGS.items():
        mask = sum(bits for fact, bits in versions if getattr(fact, name))
        if mask:
            record[key] = 1 if mask == here else timeline.text(mask)
    groups = [fact.enum for fact, _ in versions if fact.enum]
    if groups:
        record["enum"] = groups[-1]
    types: dict[str, int] = {}
    defaults: list[list[Any]] = []
    for fact, bits in versions:
        if fact.type is not None:
            types[fact.type] = types.get(fact.type, 0) | bits
        known = catalog.default if catalog is not None and catalog.type == fact.type else None
        if fact.default != known:
            same = next((each for each in defaults if each[1] == fact.default), None)
            if same is None:
                defaults.append([bits, fact.default])
            else:
                same[0] |= bits
    if types:
        record["t"] = _words(timeline, types)
    if defaults:
        record["d"] = [[timeline.text(bits), value] for bits, value in defaults]
    return record


def _words(timeline: Timeline, masks: Mapping[str, int]) -> Any:
    """A word, or words with their ranges if there are several."""
    if len(masks) == 1:
        return next(iter(masks))
    return {word: timeline.text(mask) for word, mask in masks.items()}
