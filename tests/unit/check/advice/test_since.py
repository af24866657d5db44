"""Faults say since when, or until when, Alloy has what a version does not accept."""

from __future__ import annotations

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import find_version
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.graph.admission import Gate
from alloypy.own_language import own_language
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

LOKI = 'loki.write "x" {\n  endpoint {\n    url = "http://a"\n    %s\n  }\n}\n'


def options(version: str, stability: Stability = Stability.EXPERIMENTAL) -> CheckOptions:
    return CheckOptions(load_catalog(find_version(version)), Gate(stability, True), {})


def faults(text: str, checking: CheckOptions) -> list[Diagnostic]:
    outcome = check_texts("c.alloy", [Source("c.alloy", text.encode())], checking)
    return [each for each in outcome.diagnostics if each.severity is Severity.ERROR]


def hint(version: str, text: str, stability: Stability = Stability.EXPERIMENTAL) -> str:
    (fault,) = faults(text, options(version, stability))
    return fault.hint


@pytest.mark.parametrize(
    ("version", "text", "expected"),
    [
        (
            "1.3.4",
            LOKI % 'http_headers = {"a" = ["b"]}',
            '"http_headers" needs Alloy 1.8 or newer (checked for 1.3.4)',
        ),
        (
            "1.5.0",
            'prometheus.operator.podmonitors "x" {\n forward_to = []\n informer_sync_timeout = "1m"\n}',
            '"informer_sync_timeout" needs Alloy 1.5.1 or newer (checked for 1.5.0)',
        ),
        (
            "1.9.1",
            'prometheus.exporter.windows "x" {\n  msmq { }\n}',
            '"msmq" was removed in Alloy 1.9 and is back in Alloy 1.9.2 (checked for 1.9.1)',
        ),
        (
            "1.3",
            'prometheus.write.queue "x" { }',
            '"prometheus.write.queue" needs Alloy 1.5 or newer; it is not in Alloy 1.19 (checked for 1.3.4)',
        ),
        (
            "main",
            'prometheus.write.queue "x" { }',
            '"prometheus.write.queue" was removed in Alloy 1.19 (checked for main); use',
        ),
        ("1.6", 'foreach "x" { }', '"foreach" needs Alloy 1.7 or newer (checked for 1.6.1)'),
        ("1.1", "livedebugging { }", '"livedebugging" needs Alloy 1.2 or newer (checked for 1.1.1)'),
        (
            "1.15",
            'prometheus.exporter.oracledb "x" { }',
            '"connection_string" is required before Alloy 1.16 (checked for 1.15.1)',
        ),
        (
            "1.14",
            'database_observability.postgres "x" {\n data_source_name = "a"\n forward_to = []\n}',
            '"targets" is required since Alloy 1.12 and before Alloy 1.16 (checked for 1.14.2)',
        ),
        (
            "1.18",
            'prometheus.write.queue "x" {\n endpoint "a" {\n url = "http://a"\n parallelism = 1\n }\n}',
            '"parallelism" is a block since Alloy 1.7 (checked for 1.18.1)',
        ),
        (
            "1.6",
            'prometheus.write.queue "x" {\n endpoint "a" {\n url = "http://a"\n parallelism { }\n }\n}',
            '"parallelism" is an argument before Alloy 1.7 (checked for 1.6.1)',
        ),
        (
            "1.9",
            'prometheus.exporter.oracledb "x" {\n connection_string = "a"\n custom_metrics = "a"\n}',
            '"custom_metrics" takes list(string) since Alloy 1.9, optional_secret before (checked for 1.9.2)',
        ),
        (
            "1.3",
            'local.file "x" { filename = encoding.from_json("1") }',
            '"encoding.from_json" needs Alloy 1.4 or newer (checked for 1.3.4)',
        ),
        (
            "1.7",
            'local.file "x" { filename = encoding.to_json(1) }',
            '"encoding.to_json" needs Alloy 1.8 or newer (checked for 1.7.5)',
        ),
        (
            "1.8",
            'local.file "x" { filename = constants.version }',
            '"constants.version" needs Alloy 1.9 or newer (checked for 1.8.3)',
        ),
        (
            "1.7.2",
            'beyla.ebpf "x" {\n filters {\n application { }\n }\n output { }\n}',
            '"application" takes a label before Alloy 1.7.3 (checked for 1.7.2)',
        ),
    ],
)
def test_what_a_version_does_not_accept(version: str, text: str, expected: str) -> None:
    assert hint(version, text).startswith(expected)


@pytest.mark.parametrize(
    ("version", "text", "expected"),
    [
        (
            "1.1",
            'pyroscope.write "x" { }',
            '"pyroscope.write" is generally-available in Alloy 1.2 or newer (checked for 1.1.1); add --stab',
        ),
        (
            "1.5",
            "livedebugging { }",
            '"livedebugging" is generally-available in Alloy 1.6 or newer (checked for 1.5.1); add --stab',
        ),
    ],
)
def test_what_becomes_more_stable(version: str, text: str, expected: str) -> None:
    assert hint(version, text, Stability.GENERALLY_AVAILABLE).startswith(expected)


def test_a_mistake_that_no_version_accepts_has_the_usual_hint() -> None:
    assert hint("1.10", LOKI % 'remote_timeuot = "1s"') == "did you mean `remote_timeout`?"


def test_a_name_that_mends_the_fault_follows() -> None:
    found = hint("1.3", 'local.file "x" { filename = string.join(["a"], "b") }')
    assert found == '"string.join" needs Alloy 1.4 or newer (checked for 1.3.4); did you mean `join`?'


@pytest.mark.parametrize(
    "around", ['declare "d" {\n%s}', 'foreach "f" {\n collection = []\n var = "v"\n template {\n%s}\n}']
)
def test_faults_in_modules_and_templates(around: str) -> None:
    found = [each.hint for each in faults(around % (LOKI % "http_headers = {}"), options("1.7"))]
    assert found == ['"http_headers" needs Alloy 1.8 or newer (checked for 1.7.5)']


def test_faults_in_imported_text() -> None:
    text = 'import.string "m" {\n  content = `declare "d" {\n%s}`\n}\nm.d "x" { }\n' % (
        LOKI % "http_headers = {}"
    )
    found = [each.hint for each in faults(text, options("1.7"))]
    assert found == ['"http_headers" needs Alloy 1.8 or newer (checked for 1.7.5)']


def test_stages_in_stages() -> None:
    text = (
        'loki.process "x" {\n forward_to = []\n'
        + ' stage.match {\n selector = "{a=\\"b\\"}"\n' * 3
        + "stage.pattern { }\n"
        + "}\n" * 4
    )
    assert hint("1.10", text).startswith('"stage.pattern" needs Alloy 1.11 or newer (checked for 1.10.2)')


def test_alloypy_s_own_check_has_no_history() -> None:
    own = CheckOptions(own_language(), Gate(Stability.EXPERIMENTAL), {})
    assert all("checked for" not in each.hint for each in faults('prometheus.write.queue "x" { }', own))


GIT = 'import.git "x" {\n  repository = "a"\n  path = "a.alloy"\n}\n'
TWO_LOGINS = LOKI % 'bearer_token = "a"\n    basic_auth {\n      username = "u"\n      password = "p"\n    }'


def test_rules_about_settings_that_a_version_has_otherwise_are_not_applied() -> None:
    assert faults(GIT, options("1.4")) == []
    head = GIT.replace("path =", 'revision = "HEAD"\n  path =')
    assert faults(head, options("1.4")) == []
    assert "special git reference" in faults(head, options("main"))[0].message


@pytest.mark.parametrize("version", ["main", "1.19", "1.10"])
def test_other_rules_still_are(version: str) -> None:
    (fault,) = faults(TWO_LOGINS, options(version))
    assert fault.code == "ALY0501"
