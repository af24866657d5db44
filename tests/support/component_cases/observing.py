"""What is seen of a case: its components, metrics, log lines, and what its servers received."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from tests.support.component_cases.case import Case
from tests.support.component_cases.profiles import digest, pushed
from tests.support.component_cases.servers import Server
from tests.support.running import Running

_VOLATILE = {"last_scrape", "last_scrape_duration"}
_AGENT = re.compile(r"^(Alloy|alloypy|Prometheus|GrafanaAlloy)/\S+.*")
_OF_CONNECTION = {"content-length", "connection", "traceparent"}
_GENERIC = {"started component", "component evaluated"}


def in_order(values: Iterable[Any]) -> list[Any]:
    """Values sorted by their JSON."""
    return sorted(values, key=lambda each: json.dumps(each, sort_keys=True))


def _plain(value: Mapping[str, Any]) -> Any:
    match value.get("type"):
        case "array":
            return [_plain(each) for each in value["value"] or []]
        case "object":
            return {each["key"]: _plain(each["value"]) for each in value["value"] or []}
        case "null":
            return None
    return value.get("value")


def _body(statements: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in statements or []:
        if each["type"] != "attr":
            name = f"block {each['name']}" + (f" {each['label']}" if each.get("label") else "")
            found.setdefault(name, []).append(_body(each.get("body")))
        elif each["name"] not in _VOLATILE:
            found[each["name"]] = _plain(each["value"])
    return found


def component(case: Case, running: Running, given: str, wanted: Mapping[str, Any]) -> Any:
    """What the admin server says about a component."""
    reply = running.get(f"/api/v0/web/components/{case.filled(given)}")
    if reply.status != 200:
        return {"status": reply.status}
    answer = json.loads(reply.text)
    health = answer["health"]
    message = "" if health["message"] in _GENERIC else health["message"]
    exports, debug = _body(answer.get("exports")), _body(answer.get("debugInfo"))
    unordered = wanted.get("sort") or not given.startswith(("discovery.relabel", "local.file_match"))
    for name in ("targets", *(("output",) if wanted.get("sort") else ())):
        if unordered and isinstance(exports.get(name), list):
            exports[name] = in_order(exports[name])
    for name, blocks in debug.items():
        if name.startswith("block "):
            blocks.sort(
                key=lambda each: json.dumps([each.get("url"), each.get("labels"), each], sort_keys=True)
            )
    found: dict[str, Any] = {"health": [health["state"], message]}
    if exports:
        found["exports"] = exports
    if debug:
        found["debug"] = debug
    if wanted.get("arguments") and (arguments := _body(answer.get("arguments"))):
        found["arguments"] = arguments
    return case.written(found)


def metrics(case: Case, page: str, wanted: Mapping[str, Any]) -> list[str]:
    """The series of the case's components that are asked for."""
    ids = [case.filled(each) for each in wanted.get("metric_ids", wanted.get("components", []))]
    rows = []
    for line in page.splitlines():
        name = re.split(r"[{ ]", line, maxsplit=1)[0]
        if line.startswith("#") or not any(re.fullmatch(each, name) for each in wanted["metrics"]):
            continue
        if any(f'component_id="{each}"' in line for each in ids):
            rows.append(case.written(line))
    return sorted(rows)


def log(case: Case, text: str, wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    """The records of the case's components on the levels asked for, each once."""
    ids = {case.filled(each) for each in (*wanted.get("components", []), *wanted.get("log_ids", []))}
    rows = set()
    for line in text.splitlines():
        fields = _fields(line)
        if fields.get("component_id") in ids and fields.get("level") in wanted["log"]:
            dropped = {"ts", "component_path", "trace_id", "duration", "sleep"}
            kept = {key: value for key, value in fields.items() if key not in dropped}
            rows.add(json.dumps(case.written(kept), sort_keys=True))
    return [json.loads(each) for each in sorted(rows)]


def _fields(line: str) -> dict[str, str]:
    found = {}
    for match in re.finditer(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)', line):
        value = match[2]
        if value.startswith('"'):
            try:
                value = json.loads(value)
            except ValueError:
                value = value[1:-1]
        found[match[1]] = value
    return found


def requests(case: Case, server: Server, wanted: Mapping[str, Any]) -> list[Any]:
    """What a server was asked, each request once unless all are wanted."""
    seen = [_request(case, each, wanted) for each in list(server.got)]
    if not wanted.get("all"):
        seen = in_order(json.loads(each) for each in {json.dumps(each, sort_keys=True) for each in seen})
    limit = wanted.get("limit")
    return seen[:limit] if limit else seen


def _request(case: Case, given: Mapping[str, Any], wanted: Mapping[str, Any]) -> Any:
    query = given["query"].split("&") if given["query"] else []
    if wanted.get("drop_query"):
        query = [each for each in query if each.split("=")[0] in {"labelSelector", "fieldSelector"}]
    found = {"method": given["method"], "path": given["path"], "query": "&".join(sorted(query))}
    if wanted.get("target"):
        found["target"] = given["target"]
    names = [each.lower() for each in wanted.get("headers", [])]
    headers: dict[str, str] = {}
    for name, value in given["headers"]:
        low = name.lower()
        if low in names or ("*" in names and low not in _OF_CONNECTION):
            text = _AGENT.sub("@UA@", value)
            headers[name.title()] = f"{headers[name.title()]}, {text}" if name.title() in headers else text
    if headers:
        found["headers"] = headers
    if given["body"] and wanted.get("body"):
        found["body"] = given["body"].decode("utf-8", "replace")
    return case.written(found)


def profiles(case: Case, server: Server, wanted: Mapping[str, Any]) -> list[Any]:
    """The different series and profiles that have arrived at a sink."""
    found: dict[str, Any] = {}
    counts: dict[str, int] = {}

    def add(record: dict[str, Any]) -> None:
        written = case.written(record)
        found.setdefault(json.dumps(written, sort_keys=True), written)

    for request in list(server.got):
        if "/push.v1." not in request["path"]:
            add(_other(request))
            continue
        body = request["body"]
        if any(k.lower() == "content-encoding" and v == "gzip" for k, v in request["headers"]):
            body = gzip.decompress(body)
        for labels, raw in pushed(body):
            shown = [[k, "@VER@" if k == "otel.scope.version" else v] for k, v in labels]
            for profile in raw:
                record = {"labels": shown, **_profile(profile, wanted)}
                if wanted.get("first"):
                    key = json.dumps(shown)
                    counts[key] = record["n"] = counts.get(key, 0) + 1
                    if counts[key] > wanted["first"]:
                        continue
                add(record)
    return in_order(found.values())


def _other(request: Mapping[str, Any]) -> dict[str, Any]:
    body = request["body"]
    query: Any = request["query"]
    if request["path"] == "/ingest":
        query = dict(sorted(parse_qsl(query, keep_blank_values=True)))
    return {"path": request["path"], "query": query, "len": len(body), "sha256": digest(body)}


def _profile(raw: bytes, wanted: Mapping[str, Any]) -> dict[str, Any]:
    exact = {"sha256": digest(raw)}
    if raw[:2] == b"\x1f\x8b":
        try:
            plain = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error):
            return {**exact, "len": len(raw)}
        record: dict[str, Any] = {"gzip": True, "sha256_plain": digest(plain), "len_plain": len(plain)}
        return {**record, **exact} if wanted.get("exact") else record
    return {**exact, "len": len(raw)}
