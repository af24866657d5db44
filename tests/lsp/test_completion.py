"""Completion and signature help: what is offered, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.lsp.cursor.place import place_at
from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.completion.completing import complete
from alloypy.lsp.features.completion.documentation import documentation
from alloypy.lsp.features.completion.offers import Offer
from alloypy.lsp.features.hover import hover
from alloypy.lsp.features.signatures import signature
from alloypy.lsp.workspace.workspace import Workspace
from tests.support.lsp_client import LspClient

WORKSPACE = Workspace()
REFERENCE = "https://grafana.com/docs/alloy/latest/reference"
REST = """
pyroscope.write "w" {
	endpoint {
		url = "http://x"
	}
}
prometheus.remote_write "m" { }
declare "d" {
	argument "needed" { }
	argument "other" {
		optional = true
	}
	export "out" {
		value = pyroscope.write.q.receiver
	}
	pyroscope.write "q" { }
}
d "x" {
	needed = 1
}
"""


def offers(text: str, path: str = "config.alloy") -> dict[str, Offer]:
    """What is offered at `|`, the best first."""
    before, _, after = text.partition("|")
    document = Document(path, (before + after).encode())
    found = complete(place_at(WORKSPACE, document, len(before.encode())))
    return {each.label: each for each in sorted(found.items, key=lambda each: (each.rank, each.label))}


def test_only_receivers_of_the_right_kind_are_offered() -> None:
    found = offers(f'pyroscope.scrape "x" {{\n\tforward_to = [|]\n}}{REST}')
    references = [each.label for each in found.values() if each.kind.name == "REFERENCE"]
    assert references == ["d.x.out", "pyroscope.write.w.receiver"]
    found = offers(f'prometheus.scrape "x" {{\n\tforward_to = [|]\n}}{REST}')
    assert next(iter(found.values())).label == "prometheus.remote_write.m.receiver"
    assert next(iter(found.values())).preselected
    found = offers(f'prometheus.scrape "x" {{\n\tforward_to = |\n}}{REST}discovery.docker "d" {{ }}')
    assert "discovery.docker.d.targets" not in found
    assert next(iter(found)) == "[prometheus.remote_write.m.receiver]"


def test_placeholders_name_the_only_receiver_that_fits() -> None:
    rest = '\npyroscope.write "w" { }\nprometheus.remote_write "m" { }\ndiscovery.docker "d" { }\n'
    found = offers(f"|{rest}")["pyroscope.scrape"].snippet
    assert "\ttargets    = ${2:discovery.docker.d.targets}\n" in found
    assert "\tforward_to = [${3:pyroscope.write.w.receiver}]\n" in found
    found = offers(f'prometheus.scrape "s" {{\n\t|\n}}{rest}')["forward_to"].snippet
    assert found == "forward_to = [${1:prometheus.remote_write.m.receiver}]"
    found = offers(f'|{rest}pyroscope.write "v" {{ }}')["pyroscope.scrape"].snippet
    assert "\tforward_to = [$3]\n" in found


ENDPOINT = 'local.file "a" { }\npyroscope.write "x" {\n\tendpoint {\n\t\t%s\n\t}\n}\n'
EACH = 'foreach "f" {\n\tcollection = []\n\tvar = "item"\n\ttemplate {\n\t\t%s\n\t}\n}\n'
FIRST = {
    ENDPOINT % "url = |": ['""', "local.file.a.content", "sys.env", "constants.arch"],
    EACH % ENDPOINT % "url = |": ["item", '""'],
    ENDPOINT % "basic_auth {\n\t\t\tpassword = |\n\t\t}": ["local.file.a.content", '""', "sys.env"],
    'pyroscope.scrape "s" {\n\tscheme = |\n}': ['"http"', '""', "sys.env"],
    'pyroscope.scrape "s" {\n\tscrape_interval = |\n}': ['"15s"', '"10s"'],
    'pyroscope.relabel "r" {\n\tmax_cache_size = |\n}\nlocal.file "a" { }': ["10000", "local.file.a.content"],
    'discovery.relabel "r" {\n\ttargets = [|]\n}': ['{"__address__" = ""}', "coalesce", "encoding.from_json"],
    'discovery.relabel "r" {\n\ttargets = |\n}': ['[{"__address__" = ""}]', "[]", "array.concat"],
    'local.file_match "m" {\n\tpath_targets = [|]\n}': ['{"__path__" = ""}'],
}


@pytest.mark.parametrize("text", FIRST)
def test_the_order_of_values(text: str) -> None:
    assert list(offers(text))[: len(FIRST[text])] == FIRST[text]


@pytest.mark.parametrize(
    ("text", "functions"),
    {
        'pyroscope.receive_http "h" {\n\tforward_to = [|]\n}': ["coalesce"],
        'pyroscope.receive_http "h" {\n\tforward_to = |\n}': ["array.concat", "coalesce", "concat"],
        'otelcol.receiver.otlp "o" {\n\toutput {\n\t\tlogs = [|]\n\t}\n}': ["coalesce"],
    }.items(),
)
def test_no_decoder_gives_a_receiver(text: str, functions: list[str]) -> None:
    assert [each.label for each in offers(text).values() if each.kind.name == "FUNCTION"] == functions


def test_bytes_become_no_number() -> None:
    found = offers('pyroscope.relabel "r" {\n\tmax_cache_size = |\n}')
    assert "encoding.to_base64" in found
    assert "encoding.from_base64" not in found
    assert "encoding.from_base64" in offers(ENDPOINT % "url = |")


def test_missing_arguments_come_first_and_written_ones_are_left_out() -> None:
    found = offers('pyroscope.scrape "x" {\n\tforward_to = []\n\t|\n}')
    assert next(iter(found)) == "targets"
    assert "forward_to" not in found
    assert found["targets"].snippet == "targets = [$1]"
    assert "oauth2" in found
    assert list(offers(f'{REST}d "y" {{\n\t|\n}}')) == ["needed", "other"]


def test_components_have_their_required_settings_as_placeholders() -> None:
    found = offers("pyroscope.|")
    assert found["pyroscope.relabel"].snippet == (
        'pyroscope.relabel "${1:default}" {\n\tforward_to = [$2]\n\t$0\n}'
    )
    assert set(offers('declare "a" {\n\targ|\n}')) > {"argument", "export", "pyroscope.relabel"}
    assert "argument" not in offers("|")
    assert "logging" not in offers('declare "a" {\n\t|\n}')
    assert "pyroscope.enrich" not in offers("|"), "below the stability level"


CHOICES = {
    'pyroscope.relabel "x" {\n\trule {\n\t\taction = "|"\n\t}\n}': "labeldrop",
    'pyroscope.relabel "x" {\n\trule {\n\t\taction = |\n\t}\n}': '"labeldrop"',
    'pyroscope.scrape "x" {\n\tenable_http2 = |\n}': "true",
    'pyroscope.scrape "x" {\n\tscrape_interval = |\n}': '"15s"',
    'discovery.relabel "x" {\n\ttargets = discovery.|\n}\ndiscovery.docker "y" { }': "docker.y.targets",
    'discovery.relabel "x" {\n\ttargets = |.docker.y.targets\n}\ndiscovery.docker "y" { }': "discovery",
    'pyroscope.scrape "x" {\n\tjob_name = |.env("X")\n}': "sys",
    'pyroscope.scrape "x" {\n\tjob_name = sys.|\n}': "env",
    'a "x" {\n\tb = pyroscope.write.foo.receiver\n}\npyroscope.write "|" { }': "foo",
    'discovery.hetzner "x" {\n\trole = "|"\n}': "robot",
    'discovery.aws "x" {\n\trole = |\n}': '"elasticache"',
    'otelcol.exporter.otlp "x" {\n\tsending_queue {\n\t\tsizer = |\n\t}\n}': '"requests"',
    'otelcol.exporter.otlp "x" {\n\tsending_queue {\n\t\tbatch {\n\t\t\tsizer = "|"\n\t\t}\n\t}\n}': "items",
    'otelcol.exporter.otlphttp "x" {\n\tencoding = "|"\n}': "proto",
    'prometheus.scrape "x" {\n\tscrape_protocols = ["|"]\n}': "PrometheusProto",
    'prometheus.scrape "x" {\n\tscrape_protocols = [|]\n}': '"PrometheusProto"',
    '| "x" {\n\tforward_to = []\n\trule { }\n}': "pyroscope.relabel",
}


@pytest.mark.parametrize("text", CHOICES)
def test_what_is_offered(text: str) -> None:
    assert CHOICES[text] in offers(text)


NOTHING = (
    "// |",
    'pyroscope.write "|" { }',
    'pyroscope.scrape "x" {\n\tjob_name = "|"\n}',
    'unknown.component "x" {\n\t|\n}',
    "a { } |",
)


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_offered_where_only_a_new_name_can_stand(text: str) -> None:
    assert not offers(text)


LABELS = {
    "pyroscope.write |": {"default": '"${1:default}" {\n\t$0\n}'},
    'pyroscope.write |\npyroscope.write "default" { }': {"default_2": '"${1:default_2}" {\n\t$0\n}'},
    "pyroscope.relabel |\n": {"default": '"${1:default}" {\n\tforward_to = [$2]\n\t$0\n}'},
    'pyroscope.write |\na "b" {\n\tc = pyroscope.write.used.receiver\n}': {
        "used": '"${1:used}" {\n\t$0\n}',
        "default": '"${1:default}" {\n\t$0\n}',
    },
    'declare "d" {\n\targument "a" { }\n}\nd |': {"default": '"${1:default}" {\n\ta = $2\n\t$0\n}'},
    "declare |": {"default": '"${1:default}" {\n\t$0\n}'},
    "logging |": {},
    "unknown.component |": {},
    "pyroscope.write | { }": {},
}


@pytest.mark.parametrize("text", LABELS)
def test_after_a_name_its_label_and_body_are_offered(text: str) -> None:
    assert {each.label.strip('"'): each.snippet for each in offers(text).values()} == LABELS[text]


def test_attributes_that_the_value_does_not_fit_are_left_out() -> None:
    found = offers('pyroscope.scrape "x" {\n\t| = true\n}')
    assert {"enable_http2", "follow_redirects"} <= set(found)
    assert not {"forward_to", "scrape_interval", "oauth2"} & set(found)
    assert found["enable_http2"].text == "enable_http2"


def test_files_of_a_directory_are_offered(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").touch()
    (tmp_path / "more").mkdir()
    text = f'local.file "x" {{\n\tfilename = "{tmp_path}/|"\n}}'
    assert list(offers(text)) == ["secret.txt", "more/"]
    text = 'import.file "x" {\n\tfilename = "|"\n}'
    assert "secret.txt" in offers(text, str(tmp_path / "a.alloy")) or "pyproject.toml" in offers(text)


DISCOVERED = """discovery.docker "d" { host = "unix:///x" }
discovery.relabel "a" {
	targets = discovery.docker.d.targets
	rule {
		source_labels = ["__meta_docker_container_name"]
		target_label  = "container"
	}
}
discovery.relabel "b" {
	targets = concat(discovery.relabel.a.output, [{"__address__" = "x", "team" = "y"}])
	rule {
		source_labels = [|]
	}
}
loki.source.journal "j" { relabel_rules = loki.relabel.j.rules }
"""


def test_rules_read_the_labels_that_their_targets_have() -> None:
    found = list(offers(DISCOVERED.replace("|", '"|"')))
    assert found[:2] == ["__address__", "container"]
    assert found[2] == "team"
    assert "__meta_docker_container_id" in found
    assert not [each for each in found if each.startswith("__meta_kubernetes")]
    assert list(offers(DISCOVERED))[:3] == ['"__address__"', '"container"', '"team"']
    found = list(
        offers(f'{DISCOVERED.replace("|", "")}loki.relabel "j" {{ rule {{ source_labels = ["|"] }} }}')
    )
    assert "__journal_priority" in found
    assert "__meta_docker_container_id" not in found


def test_targets_have_the_labels_that_their_reader_looks_at() -> None:
    found = offers('prometheus.scrape "x" {\n\ttargets = [{"__address__" = "b", |}]\n}')
    assert "__metrics_path__" in found
    assert "__address__" not in found
    assert "__path__" in offers('loki.source.file "x" {\n\ttargets = [{"|" = "b"}]\n}')


def test_modules_in_files_are_offered(tmp_path: Path) -> None:
    (tmp_path / "lib.alloy").write_text('declare "sink" {\n\targument "url" { }\n}\n')
    head = f'import.file "lib" {{\n\tfilename = "{tmp_path}/lib.alloy"\n}}\n'
    assert "lib.sink" in offers(f"{head}|", str(tmp_path / "a.alloy"))
    assert list(offers(f'{head}lib.sink "x" {{\n\t|\n}}', str(tmp_path / "a.alloy"))) == ["url"]


def test_names_of_neighbouring_files_come_last_until_one_is_used(tmp_path: Path) -> None:
    path = str(tmp_path / "main.alloy")
    (tmp_path / "write.alloy").write_text('pyroscope.write "backend" { }\n')
    (tmp_path / "lib.alloy").write_text('declare "relay" {\n\targument "url" { }\n}\n')
    text = 'pyroscope.write "own" { }\npyroscope.receive_http "x" {\n\tforward_to = [%s]\n}\n'
    found = list(offers(text % "|", path).values())
    assert [each.label for each in found] == [
        *("pyroscope.write.own.receiver", "coalesce", "pyroscope.write.backend.receiver")
    ]
    assert found[-1].detail.endswith(", in write.alloy")
    assert not found[-1].preselected
    assert list(offers(text % "pyroscope.|", path)) == ["write.own.receiver", "write.backend.receiver"]
    relay = offers("|", path)["relay"]
    assert (relay.rank, relay.detail) == (2, "custom component, in lib.alloy")
    assert "url" in relay.snippet
    inside = offers(f'declare "d" {{\n{text % "|"}}}', path)
    assert "pyroscope.write.backend.receiver" not in inside
    (tmp_path / ".alloypy.toml").write_text('units = ["main.alloy"]\n')
    WORKSPACE.forget_settings()
    assert "pyroscope.write.backend.receiver" not in offers(text % "|", path)


def test_the_text_of_an_import_is_completed_as_a_text_of_its_own(tmp_path: Path) -> None:
    text = 'import.string "s" {\n\tcontent = `declare "d" {\n\t%s\n}`\n}\nlocal.file "outside" { }\n'
    path = str(tmp_path / "config.alloy")
    assert {"argument", "pyroscope.write"} <= set(offers(text % "|", path))
    inside = 'local.file "inside" { }\n\tlocal.file "f" { filename = | }'
    found = offers(text % inside, path)
    assert "local.file.inside.content" in found
    assert "local.file.outside.content" not in found
    assert list(offers((text % 'pyroscope.write "w" { end| }').replace("`", '"'), path)) == []
    before, _, after = (text % 'local.file "f" { filename = sys.e|nv("X") }').partition("|")
    document = Document(path, (before + after).encode())
    found_there = signature(place_at(WORKSPACE, document, len(before) + 4))
    assert found_there is not None
    assert found_there.text.startswith("sys.env(")
    hovered = hover(WORKSPACE, document, len(before))
    assert hovered is not None
    assert document.data[hovered.range.start : hovered.range.stop] == b"env"
    found_here = complete(place_at(WORKSPACE, document, len(before)))
    assert document.data[found_here.start : found_here.stop] == b"env"


def test_documentation_of_offers() -> None:
    found = offers('pyroscope.write "x" {\n\tendpoint {\n\t\t|\n\t}\n}')["url"]
    assert found.topic is not None
    said = documentation(WORKSPACE, "config.alloy", found.topic)
    assert said.splitlines()[::2] == [
        "**url**: `string`, required",
        "URL of the Pyroscope server, without /ingest, such as http://pyroscope:4040.",
        "since Alloy 1.0",
        f"[Alloy's documentation]({REFERENCE}/components/pyroscope/pyroscope.write/)",
    ]
    named = offers('pyroscope.scrape "x" {\n\tforward_to = [|]\n}\npyroscope.write "w" { }')
    assert (topic := named["pyroscope.write.w.receiver"].topic) is not None
    assert "Receiver that sends profiles" in documentation(WORKSPACE, "config.alloy", topic)
    assert (topic := offers("pyroscope.|")["pyroscope.write"].topic) is not None
    assert "Sends profiles to" in documentation(WORKSPACE, "config.alloy", topic)
    found = offers('pyroscope.scrape "x" {\n\tjob_name = |\n}')["string.join"]
    assert found.topic is not None
    said = documentation(WORKSPACE, "config.alloy", found.topic)
    assert "string.join(" in said
    assert "/stdlib/string/" in said


def test_signatures() -> None:
    text = 'a "x" {\n\tb = string.replace("a", sys.env("B"), |)\n}'
    before, _, after = text.partition("|")
    document = Document("config.alloy", (before + after).encode())
    found = signature(place_at(WORKSPACE, document, len(before)))
    assert found is not None
    assert (found.text.partition("(")[0], found.active, len(found.parameters)) == ("string.replace", 2, 3)
    assert signature(place_at(WORKSPACE, document, 3)) is None


def test_completion_over_the_wire(tmp_path: Path) -> None:
    text = 'pyroscope.scrape "x" {\n\tjob_name = string.join([], )\n\t\n}\n'
    with LspClient(tmp_path) as client:
        client.initialize()
        uri = client.open("a.alloy", text)
        at = {"textDocument": {"uri": uri}, "position": {"line": 2, "character": 1}}
        found = client.request("textDocument/completion", at)["items"]
        first = min(found, key=lambda each: each["sortText"])
        assert first["textEdit"]["newText"] == "forward_to = [$1]"
        resolved = client.request("completionItem/resolve", first)
        assert "required" in resolved["documentation"]["value"]
        at["position"] = {"line": 1, "character": text.split("\n")[1].index(")")}
        help_ = client.request("textDocument/signatureHelp", at)
        assert help_["activeParameter"] == 1
        assert help_["signatures"][0]["label"].startswith("string.join(")
