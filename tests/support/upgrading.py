"""Upgrades of texts in tests."""

from __future__ import annotations

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import load_history
from alloypy.catalog.versions import find_version
from alloypy.check.configuration import NOTHING, check_files
from alloypy.check.units.units import CheckOptions
from alloypy.check.versions.findings import Finding, Rank
from alloypy.check.versions.flags import flag_findings, read_flags
from alloypy.check.versions.mending import Mended, mended
from alloypy.check.versions.requires import Requirement, errors_of, requirement_of
from alloypy.check.versions.upgrade import Upgrade, touched
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.source import Source

EVERYTHING = Gate(Stability.EXPERIMENTAL, True)


def upgrade_of(start: str, end: str, gate: Gate = EVERYTHING) -> Upgrade:
    """The upgrade from one version to another."""
    return Upgrade(find_version(start), find_version(end), gate)


def found(text: str, start: str, end: str, *, gate: Gate = EVERYTHING) -> list[Finding]:
    """What an upgrade changes for a file called `c`."""
    files = parse_config([Source("c", text.encode())])
    return touched(files, upgrade_of(start, end, gate), NOTHING).findings


def messages(text: str, start: str, end: str, *ranks: Rank, gate: Gate = EVERYTHING) -> list[str]:
    """The findings of some ranks as `line:column: message`."""
    lines = []
    for each in found(text, start, end, gate=gate):
        if each.rank in ranks or not ranks:
            assert each.span is not None
            place = each.span.start_position
            lines.append(f"{place.line}:{place.column}: {each.message}")
    return lines


def flags_found(text: str, start: str, end: str) -> list[Finding]:
    """What an upgrade changes for a command line of `alloy run`."""
    history = load_history()
    return list(flag_findings(read_flags(text, history), upgrade_of(start, end), history))


def fixed(text: str, start: str, end: str, *, gate: Gate = EVERYTHING) -> Mended:
    """A file called `c`, mended for an upgrade."""
    options = CheckOptions(load_catalog(), gate, {}, selected=frozenset())
    return mended([Source("c", text.encode())], ".", upgrade_of(start, end, gate), options)


def fixed_text(text: str, start: str, end: str) -> str:
    """The text after mending. Fails if the new version refuses it, or if mending it again changes it."""
    after = fixed(text, start, end).after[0].data.decode()
    assert refusals(after, end) == []
    assert fixed(after, start, end).after[0].data.decode() == after
    return after


def refusals(text: str, version: str) -> list[str]:
    """The errors that a version reports for a text."""
    files = parse_config([Source("c", text.encode())])
    return [
        str(each) for each in errors_of(check_files(files, load_catalog(find_version(version)), EVERYTHING))
    ]


def requirement(text: str, *, gate: Gate = EVERYTHING) -> Requirement:
    """The versions that load a text."""
    return requirement_of(parse_config([Source("c", text.encode())]), gate, NOTHING)
