"""What GitHub code scanning requires of a SARIF log: rules GH1001 to GH2012 of Microsoft's SARIF multitool.

Restated from the descriptions of those rules, as far as they apply to logs without code flows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

_MOST = {"runs": 20, "rules": 25_000, "results": 25_000, "locations": 1000, "tags": 20}

Log = dict[str, Any]


def broken_rules(log: Log) -> list[str]:
    """Each violation as `rule: place`; empty for a log that passes."""
    return [*_of_log(log), *(breach for run in log.get("runs", []) for breach in _of_run(run))]


def _of_log(log: Log) -> Iterator[str]:
    if not str(log.get("$schema", "")).endswith("sarif-schema-2.1.0.json"):
        yield "GH1011: $schema"
    if log.get("version") != "2.1.0" or not log.get("runs"):
        yield "GH1013: version, runs"
    if len(log.get("runs", [])) > _MOST["runs"]:
        yield "GH1004: runs"


def _of_run(run: Log) -> Iterator[str]:
    if "tool" not in run or "results" not in run:
        yield "GH1014: tool, results"
    driver = run.get("tool", {}).get("driver", {})
    rules = driver.get("rules")
    if not driver.get("name", "").strip() or rules is None:
        yield "GH1018: driver"
    for rule in rules or []:
        yield from _of_rule(rule)
    results = run.get("results", [])
    if len(rules or []) > _MOST["rules"] or len(results) > _MOST["results"]:
        yield "GH1004: rules, results"
    places = [each.get("workingDirectory", {}).get("uri", "") for each in run.get("invocations", [])]
    for result in results:
        yield from _of_result(result, rules or [], places)


def _of_rule(rule: Log) -> Iterator[str]:
    name = str(rule.get("id", "")).strip()
    if not name:
        yield "GH2012: id"
    for key in ("shortDescription", "fullDescription", "help"):
        if not str(rule.get(key, {}).get("text", "")).strip():
            yield f"GH2012: {name}.{key}.text"
    if len(rule.get("properties", {}).get("tags", [])) > _MOST["tags"]:
        yield f"GH1004: {name}.tags"


def _of_result(result: Log, rules: list[Log], places: list[str]) -> Iterator[str]:
    name = str(result.get("ruleId"))
    if rules[result["ruleIndex"]]["id"] != name:
        yield f"SARIF1010: {name}"
    if not str(result.get("message", {}).get("text", "")).strip():
        yield f"GH1007, GH1015: {name}.message.text"
    if not result.get("partialFingerprints"):
        yield f"GH1015: {name}.partialFingerprints"
    locations = result.get("locations")
    if not locations or len(locations) > _MOST["locations"]:
        yield f"GH1001, GH1004: {name}.locations"
    for location in locations or []:
        yield from _of_location(name, location.get("physicalLocation", {}), places)


def _of_location(name: str, place: Log, places: list[str]) -> Iterator[str]:
    uri = place.get("artifactLocation", {}).get("uri")
    if not uri:
        yield f"GH1001, GH1016, GH1017: {name}.uri"
        return
    if urlsplit(uri).scheme not in {"", "file"}:
        yield f"GH1005: {uri}"
    if urlsplit(uri).scheme == "file" and not any(places):
        yield f"GH1006: {uri}"
    region = place.get("region", {})
    if region.get("startLine", 0) < 1:
        yield f"GH1003: {name} in {uri}"
    if region.get("endLine", region.get("startLine", 0)) < region.get("startLine", 0):
        yield f"SARIF1007: {name} in {uri}"
