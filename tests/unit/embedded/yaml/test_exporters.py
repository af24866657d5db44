"""YAML texts of exporters are accepted and refused as by the exporters, whose answers are recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloypy.embedded.yaml.exporters import DOCUMENTS
from alloypy.embedded.yaml.keys import Keys, check_keys
from alloypy.lang.text_error import TextError
from tests.support.checking import check_text

RECORDED = Path(__file__).parents[3] / "golden" / "embedded" / "exporters.jsonl"
CASES: list[dict[str, str]] = [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]


def fault(text: str, shape: Keys) -> TextError | None:
    try:
        check_keys(text, shape)
    except TextError as error:
        return error
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']} {case['text']}")
def test_the_verdict_is_that_of_the_exporter(case: dict[str, str]) -> None:
    found = fault(case["text"], DOCUMENTS[case["kind"]])
    assert (found is not None) == bool(case["error"]), (str(found), case["error"])


def test_both_verdicts_are_recorded() -> None:
    refused = sum(bool(case["error"]) for case in CASES)
    assert refused >= 35
    assert len(CASES) - refused >= 35


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("modules:\n  é:\n    probe: x", "field probe not found in modules.é", "probe"),
        ("modules: {a: {http: {}, http: {}}}", "modules.a.http is given twice", "http"),
        ("modules: {a: {http: text}}", "modules.a.http must be a mapping", "text"),
        ("modules: {a: {tcp: {query_response: x}}}", "modules.a.tcp.query_response must be a sequence", "x"),
        ("modules: [", "yaml: while parsing a flow node, did not find expected node content", ""),
    ],
)
def test_the_message_names_the_place(text: str, message: str, place: str) -> None:
    found = fault(text, DOCUMENTS["blackbox"])
    assert found is not None
    assert (str(found), text[found.start : found.end]) == (message, place)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("timeout: 5x", "modules.a.timeout must be a duration such as `10s`", "5x"),
        ("http: {fail_if_ssl: 'yes'}", "modules.a.http.fail_if_ssl must be `true` or `false`", "'yes'"),
        ("prober: [http]", "modules.a.prober must be a single value, not a sequence", "["),
        (
            "tcp: {query_response: [{expect: '('}]}",
            (
                "modules.a.tcp.query_response[0].expect must be a regular expression: "
                "error parsing regexp: missing closing ): `(`"
            ),
            "'('",
        ),
    ],
)
def test_values_have_their_kinds(text: str, message: str, place: str) -> None:
    text = f"modules: {{a: {{{text}}}}}"
    found = fault(text, DOCUMENTS["blackbox"])
    assert found is not None
    assert (str(found), text[found.start : found.end]) == (message, place)


def test_queries_need_metrics() -> None:
    good = "collector_name: c\nmetrics:\n- {metric_name: m, type: gauge, help: h, values: [a], query: q}"
    assert fault(good, DOCUMENTS["mssql"]) is None
    assert fault(good.replace("query: q", "querry: q"), DOCUMENTS["mssql"]) is not None
    assert str(fault("collector_name: c", DOCUMENTS["mssql"])) == 'no metrics defined for collector "c"'


def test_what_tags_aliases_and_merges_mean_is_not_guessed() -> None:
    assert fault("modules: !!map {a: {probe: x}}", DOCUMENTS["blackbox"]) is None
    assert fault("modules: {a: {dns: {<<: {query_name: x}}}}", DOCUMENTS["blackbox"]) is None
    bomb = "".join(f"a{at + 1}: &a{at + 1} [*a{at}, *a{at}]\n" for at in range(40))
    assert str(
        fault(f"modules: {{a: &a {{http: *a}}}}\na0: &a0 []\n{bomb}", DOCUMENTS["blackbox"])
    ).startswith("field http")


BLACK = 'prometheus.exporter.blackbox "a" {{ {} }}'
SNMP_FILE = 'prometheus.exporter.snmp "a" {{ {} }}'
MSSQL_FILE = 'prometheus.exporter.mssql "a" {{\n  connection_string = "sqlserver://h"\n  {} }}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BLACK.format(""), "config or config_file must be set"),
        (
            BLACK.format('\nconfig = "{}"\nconfig_file = "a"\n'),
            "config and config_file are mutually exclusive",
        ),
        (BLACK.format('config = "module: {}"'), "invalid blackbox_exporter config: field module not found"),
        (
            BLACK.format('\nconfig = "{}"\ntargets = [{"name" = "a"}]\n'),
            "all targets must have an `address` or an `__address__` label",
        ),
        (SNMP_FILE.format('config = "a: 1"'), "invalid snmp_exporter config: field a not found"),
        (
            SNMP_FILE.format('config_merge_strategy = "mix"'),
            "config_merge_strategy must be `replace` or `merge`",
        ),
        (
            BLACK.format(
                '\nconfig = "{}"\ntargets = [{"name" = "a", "address" = "", "__address__" = "b"}]\n'
            ),
            "failed to load blackbox_targets; the `name` and `address` fields are mandatory",
        ),
        (
            BLACK.format('\nconfig = "{}"\ntarget {\n name = "" \n address = "b"\n }\n'),
            "failed to load blackbox_targets; the `name` and `address` fields are mandatory",
        ),
        (
            SNMP_FILE.format('\ntarget "a" {\n address = ""\n }\n'),
            "failed to load snmp_targets; the `name` and `address` fields are mandatory",
        ),
        (MSSQL_FILE.format("max_idle_connections = 0\n"), "max_idle_connections must be at least 1"),
        (MSSQL_FILE.format('query_config = "a: 1"\n'), "invalid query_config: field a not found"),
        (
            'prometheus.exporter.process "a" {\n  matcher {\n    exe = []\n name = "{{ upper . }}"\n  }\n}',
            'process_names is invalid: bad name template: template: cmdname:1: function "upper" not defined',
        ),
        (
            'prometheus.exporter.postgres "a" { disable_default_metrics = true }',
            "custom_queries_config_path must be set when disable_default_metrics is true",
        ),
        (
            'prometheus.exporter.kafka "a" { kafka_uris = ["a", "b"] }',
            (
                "an automatic value for `instance` cannot be determined from 2 kafka servers, "
                "manually provide one for this component"
            ),
        ),
        (
            'prometheus.exporter.redis "a" {\nredis_addr = "a"\nscript_path = "a"\nscript_paths = ["b"]\n}',
            "only one of script_path and script_paths should be specified",
        ),
    ],
)
def test_exporters_refuse(text: str, message: str) -> None:
    checked = check_text(text)
    found = [each for each in (*checked.as_alloy, *checked.further) if each.severity.value == "error"]
    assert [each.message for each in found] == [message]


@pytest.mark.parametrize(
    "text",
    [
        BLACK.format('config_file = "a"'),
        BLACK.format('config = "modules: {a: {prober: http}}"'),
        BLACK.format("config = sys.env(`X`)"),
        SNMP_FILE.format(""),
        MSSQL_FILE.format(""),
        'prometheus.exporter.process "a" {\n  matcher {\n    name = "{{.Comm}}"\n    comm = ["a"]\n  }\n}',
        'prometheus.exporter.kafka "a" {\n  instance = "x"\n  kafka_uris = ["a", "b"]\n}',
    ],
)
def test_exporters_accept(text: str) -> None:
    checked = check_text(text)
    assert [each for each in (*checked.as_alloy, *checked.further) if each.severity.value == "error"] == []
