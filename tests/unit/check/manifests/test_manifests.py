"""Configurations in YAML: which texts are checked, and where their faults are."""

from __future__ import annotations

from base64 import b64encode

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.manifests.manifests import check_manifest
from alloypy.check.units.units import CheckOptions, Outcome
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import Severity
from alloypy.syntax.source import Source

FAULTY = 'logging { levl = "x" }'


def outcomes(text: str | bytes, named: bool = True) -> list[Outcome]:
    data = text.encode() if isinstance(text, str) else text
    options = CheckOptions(load_catalog(), Gate(Stability.GENERALLY_AVAILABLE, False), {})
    return list(check_manifest(Source("cm.yaml", data), options, named=named))


def found(text: str | bytes, named: bool = True) -> list[str]:
    return [str(each) for outcome in outcomes(text, named) for each in outcome.diagnostics]


def config_map(value: str, key: str = "data", name: str = "config.alloy") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: alloy\n{key}:\n  {name}: {value}\n"


UNKNOWN = 'unrecognized attribute name "levl"'


def place_of(text: str, word: str = "levl") -> str:
    """The line and the column of a word, in bytes."""
    before = text.encode().partition(word.encode())[0]
    lines = before.split(b"\n")
    return f"cm.yaml:{len(lines)}:{len(lines[-1]) + 1}"


@pytest.mark.parametrize(
    "value",
    [
        "|\n    // ü\n    logging {\n      levl = 1\n    }\n",
        "|2-\n      logging { levl = 1 }\n",
        "&text |  # said\n    logging { levl = 1 }\n",
        ">\n    logging {\n\n      levl = 1\n\n    }\n",
        r'"// \u00fc\nlogging {\n\tlevl = \"\\\\\"\n}\n"',
        '"logging {\\n\n    levl = 1\\n}\\n"',
        "'logging { levl = \"it''s\" }'",
        "logging { levl = 1 }",
    ],
    ids=["literal", "indented", "anchor", "folded", "escaped", "double-quoted", "single-quoted", "plain"],
)
def test_a_fault_is_at_its_place_in_the_yaml(value: str) -> None:
    text = config_map(value)
    assert found(text) == [f"{place_of(text)}: {UNKNOWN}"]


def test_line_ends_marks_and_other_letters_move_no_place() -> None:
    text = config_map("|\n    // ü😀\n    logging { levl = 1 }").replace("name: alloy", "name: ä")
    assert found(text) == found(text.replace("\n", "\r\n")) == found(f"\ufeff{text}")
    assert found(text) == [f"cm.yaml:8:15: {UNKNOWN}"]


def test_messages_name_places_in_the_yaml() -> None:
    both = 'local.file "a" { filename = "a" }\n    '
    (message,) = (each for each in found(config_map(f"|\n    {both}{both}")) if "already" in each)
    assert message == "cm.yaml:8:5: block local.file.a already declared at cm.yaml:7:5"


@pytest.mark.parametrize(
    "text",
    [
        f"kind: Service\n---\n{config_map(FAULTY)}---\nkind: Pod\n",
        f"kind: List\nitems:\n- kind: ConfigMap\n  data:\n    x.alloy: {FAULTY}\n- kind: Pod\n",
        f"kind: ConfigMapList\nitems:\n- kind: ConfigMap\n  data: {{x.alloy: '{FAULTY}'}}\n",
        f"kind: Secret\nstringData:\n  x.alloy: {FAULTY}\n",
        f"alloy:\n  configMap:\n    content: {FAULTY}\n",
        f"monitoring:\n  alloy:\n    configMap:\n      content: |\n        {FAULTY}\n",
        f"kind: HelmRelease\nspec:\n  values:\n    alloy:\n      configMap:\n        content: {FAULTY}\n",
    ],
    ids=["documents", "list", "config-map-list", "secret", "values", "subchart", "release"],
)
def test_what_holds_configurations(text: str) -> None:
    line = next(number for number, line in enumerate(text.splitlines(), 1) if FAULTY in line)
    (message,) = found(text)
    assert message.startswith(f"cm.yaml:{line}:")
    assert message.endswith(UNKNOWN)


def test_other_keys_and_kinds_are_not_configurations() -> None:
    for text in (config_map(FAULTY, name="other.txt"), config_map(FAULTY).replace("ConfigMap", "Alloy")):
        (outcome,) = outcomes(text)
        assert [each.code for each in outcome.diagnostics] == ["ALY0133"]
        assert outcomes(text, named=False) == []


def test_keys_are_one_configuration_only_if_they_refer_to_each_other() -> None:
    apart = config_map("|\n    logging { }\n  b.alloy: |\n    logging { }\n")
    assert [each.path for each in outcomes(apart)] == [
        "cm.yaml (ConfigMap alloy: config.alloy)",
        "cm.yaml (ConfigMap alloy: b.alloy)",
    ]
    assert found(apart) == []
    reference = 'local.file "b" { filename = local.file.a.content }'
    joined = config_map(f'|\n    local.file "a" {{ filename = "a" }}\n  b.alloy: |\n    {reference}\n')
    assert [(each.path, each.failed) for each in outcomes(joined)] == [
        ("cm.yaml (ConfigMap alloy: config.alloy, b.alloy)", False)
    ]


def test_encoded_texts_are_checked_at_their_beginning() -> None:
    encoded = b64encode(f"// first\n{FAULTY}".encode()).decode()
    for text in (
        config_map(encoded, "binaryData"),
        config_map(encoded, "data").replace("ConfigMap", "Secret"),
    ):
        assert found(text) == [f"cm.yaml:6:17: line 2 of the decoded config.alloy: {UNKNOWN}"]
    assert found(config_map("$", "binaryData")) == ["cm.yaml:6:17: config.alloy is not base64"]


def test_templates_have_to_be_rendered_first() -> None:
    broken = 'name: {{ include "alloy" . }}: x'
    (outcome,) = outcomes(broken)
    assert outcome.failed
    assert "helm template" in outcome.diagnostics[0].hint
    (outcome,) = outcomes(broken, named=False)
    assert not outcome.failed
    assert outcome.diagnostics[0].code == "ALY0135"
    (outcome,) = outcomes(config_map('|\n    {{ .Files.Get "config.alloy" }}'))
    assert outcome.failed
    assert all("helm template" in each.hint for each in outcome.diagnostics)
    (outcome,) = outcomes('alloy: {configMap: {content: "logging { level = {{ .Values.x }} }"}}')
    assert [str(each) for each in outcome.diagnostics] == [
        "cm.yaml:1:49: not checked: Helm renders content as a template before Alloy reads it"
    ]
    assert outcome.diagnostics[0].severity is Severity.WARNING


@pytest.mark.parametrize(
    "flags",
    [
        "args: [run, --stability.level=experimental, /etc/alloy]",
        'args:\n- run\n- "--stability.level"\n- "experimental"',
        "alloy:\n  stabilityLevel: 'experimental'",
        'alloy: {"stabilityLevel": experimental}',
    ],
)
def test_the_file_itself_may_permit_more(flags: str) -> None:
    each = ['foreach "a" {', "  collection = []", '  var        = "b"', "  template { }", "}"]
    text = config_map("|\n" + "".join(f"    {line}\n" for line in each))
    assert [fault.code for outcome in outcomes(text) for fault in outcome.diagnostics] == ["ALY0405"]
    assert found(f"{text}---\n{flags}\n") == []
    assert found(f"{text}---\n{flags.replace('experimental', 'generally-available')}\n") != []


def test_a_broken_file_has_one_fault_and_its_other_documents_are_checked() -> None:
    broken = "alloy: {{ x: y }} z\n"
    text = f"{broken}---\n{broken}---\n{config_map(FAULTY)}"
    first, second = found(text)
    assert first.startswith("cm.yaml:1:")
    assert second == f"{place_of(text)}: {UNKNOWN}"


def test_templates_of_alloy_itself_are_no_matter() -> None:
    template = 'template = "{{ .Value }}"'
    stage = f'stage.template {{ \n        source = "s"\n        {template}\n      }}'
    assert [
        each
        for each in outcomes(
            config_map(f'|\n    loki.process "a" {{\n      forward_to = []\n      {stage}\n    }}')
        )
        if each.failed
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        b"alloy: [",
        b"alloy: *nothing",
        b"alloy: " + b"[" * 2000,
        b"\xff\xfea\0l\0l\0o\0y\0",
        b"alloy: \xff",
        b"alloy: \x07",
        b"alloy: \0",
        b'alloy: "\\q"',
        b"alloy: &a [*a]\n b: c",
    ],
    ids=["open", "anchor", "deep", "utf-16", "latin", "control", "nul", "escape", "indent"],
)
def test_bad_yaml_is_a_diagnostic(text: bytes) -> None:
    (outcome,) = outcomes(text)
    assert outcome.failed
    assert [each.code for each in outcome.diagnostics] == [outcome.diagnostics[0].code]
    assert outcome.diagnostics[0].code in {"ALY0134", "ALY0102"}


def test_aliases_are_followed_once() -> None:
    lines = "".join(f"a{at + 1}: &a{at + 1} [*a{at}, *a{at}]\n" for at in range(40))
    assert found(f"alloy: &a0 [x]\n{lines}", named=False) == []
    assert found(
        f"alloy: &a [*a]\nb:\n  kind: ConfigMap\n  data: &d {{x.alloy: '{FAULTY}'}}\n", named=False
    ) == [f"cm.yaml:4:33: {UNKNOWN}"]


def test_no_secret_of_the_file_is_shown() -> None:
    text = f"kind: Secret\nstringData: {{a: hunter2}}\n---\n{config_map('|')}"
    text += '    remote.vault "v" {\n      server = 1\n      auth.token { token = "hunter2" }\n    }\n'
    text += "    a = 1\nx: hunter2\n"
    reported = [each for outcome in outcomes(text) for each in outcome.diagnostics]
    assert reported
    for each in reported:
        assert each.span is not None
        assert b"hunter2" not in each.span.source.data
        assert each.span.source.data.startswith(b" " * 12)
    encoded = b64encode(b'logging { levl = "x" }').decode()
    (each,) = outcomes(config_map(encoded, "binaryData"))[0].diagnostics
    assert each.span is not None
    assert encoded.encode() not in each.span.source.data
