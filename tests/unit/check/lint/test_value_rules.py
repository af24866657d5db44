"""Lint rules about single values, labels and ports: what they find, and what they leave alone."""

from __future__ import annotations

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.source import Source

CODES = frozenset(f"ALY09{number}" for number in (17, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 31))
OPTIONS = CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL, True), {}, {}, CODES)


def numbers(text: str) -> list[str]:
    """The ends of the codes found in a configuration without errors."""
    return [each.code[-2:] for each in check_texts("c", [Source("c", text.encode())], OPTIONS).diagnostics]


def relabel(rule: str, component: str = "discovery.relabel", more: str = "", label: str = "a") -> str:
    start = "targets = []" if component == "discovery.relabel" else "forward_to = []"
    return f'{component} "{label}" {{\n{start}\nrule {{\n{rule}\n}}\n}}\n{more}'


def role(name: str, source: str, more: str = "") -> str:
    found = f'discovery.kubernetes "k" {{\nrole = "{name}"\n{more}\n}}\n'
    rules = relabel(f'source_labels = ["__meta_kubernetes_{source}"]\ntarget_label = "x"')
    return found + rules.replace("targets = []", "targets = discovery.kubernetes.k.targets")


def lines(stage: str) -> str:
    return f'loki.process "a" {{\nforward_to = []\n{stage}\n}}\n'


def targets(*texts: str) -> str:
    return f'prometheus.scrape "a" {{\ntargets = [{", ".join(texts)}]\nforward_to = []\n}}\n'


def listener(label: str, address: str, protocol: str = "tcp") -> str:
    inner = f'listener {{\naddress = "{address}"\nprotocol = "{protocol}"\n}}'
    return f'loki.source.syslog "{label}" {{\n{inner}\nforward_to = []\n}}\n'


def http(label: str, address: str, port: int) -> str:
    server = f'server {{\nlisten_address = "{address}"\nlisten_port = {port}\n}}\noutput {{ }}'
    return f'faro.receiver "{label}" {{\n{server}\n}}\n'


def each(collection: str, template: str) -> str:
    return f'foreach "f" {{\ncollection = {collection}\nvar = "i"\ntemplate {{\n{template}\n}}\n}}\n'


MODULE = f'declare "m" {{\n{listener("a", ":514")}}}\n'
FILE_MATCH = 'local.file_match "a" {\npath_targets = [{__path__ = "a"}, {__path__ = "a"}]\n}\n'
NAME = 'source_labels = ["__meta_kubernetes_pod_name"]\ntarget_label = "x"'
MAPPED = 'regex = "x_(.+)"\nreplacement = "__meta_kubernetes_$1"\naction = "labelmap"'
LENT = """loki.source.docker "l" {
  host = "unix:///d"
  targets = []
  forward_to = []
  relabel_rules = discovery.relabel.a.rules
}
"""
CLIENT = 'remote.http "a" {\nurl = "https://k"\nclient {\ntls_config { insecure_skip_verify = V }\n}\n}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lines('stage.regex { expression = "^a^(?P<x>b)" }'), "17"),
        (lines('stage.regex { expression = "^(?P<x>b)$" }'), ""),
        (lines('stage.multiline { firstline = "(x$)y" }'), "17"),
        (lines('stage.drop { expression = "[^\\\\d\\\\D]" }'), "17"),
        (lines('stage.drop { expression = "(?m)a$\\\\s^b" }'), ""),
        (relabel('source_labels = ["x"]\ntarget_label = "a.b"', "loki.relabel"), "20"),
        (relabel('source_labels = ["x"]\ntarget_label = "a.b"'), ""),
        (relabel('regex = "(x).*"\nsource_labels = ["x"]\ntarget_label = "a$1"', "loki.relabel"), ""),
        (targets('{__address__ = "a", x = "1"}', '{x = "1", __address__ = "a"}'), "21"),
        (targets('{__address__ = "a", x = "1"}', '{x = "2", __address__ = "a"}'), ""),
        (targets('{__address__ = sys.env("A")}', '{__address__ = sys.env("A")}'), ""),
        (FILE_MATCH, "21"),
        (targets('{__address__ = "a", x = "1", "x" = "2"}'), "22"),
        (targets('{__address__ = "a", x = "1", x = "1"}'), ""),
        ('logging { level = {a = "info", "\\u0061" = "warn"}["a"] }', "22"),
        ('discovery.kuma "a" {\nserver = "http://k"\nfetch_timeout = "1m"\n}', "23"),
        ('discovery.kuma "a" { server = "http://k" }', ""),
        (CLIENT.replace("V", "true"), "25"),
        (CLIENT.replace("V", "false"), ""),
        (listener("a", "localhost:514") + listener("b", ":514"), "26"),
        (listener("a", "localhost:514") + listener("b", "127.0.0.1:514"), "26"),
        (listener("a", "0.0.0.0:514") + listener("b", "[::1]:514"), "26"),
        (listener("a", "127.0.0.1:514") + listener("b", "[::1]:514"), ""),
        (listener("a", "10.0.0.1:514") + listener("b", "10.0.0.2:514"), ""),
        (listener("a", ":514") + listener("b", ":514", "udp"), ""),
        (listener("a", ":0") + listener("b", ":0"), ""),
        (listener("a", ":5514") + http("b", "0.0.0.0", 5514), "26"),
        (http("a", "::1", 5514) + http("b", "10.0.0.1", 5514), ""),
        (MODULE + 'm "a" { }\n', ""),
        (MODULE + 'm "a" { }\nm "b" { }\n', "26"),
        (MODULE + 'm "a" { }\n' + listener("b", ":514"), "26"),
        (MODULE + listener("b", ":514"), ""),
        (each("[1, 2]", listener("a", ":514")), "26"),
        (each("[1, 2]", 'm "a" { }') + MODULE, "26"),
        (each("[1]", listener("a", ":514")), ""),
        (each("[]", listener("a", ":514")) + listener("b", ":514"), ""),
        (each('["1", "2"]', listener("a", ":514").replace('":514"', '":51" + i')), ""),
        (each('encoding.from_json(sys.env("A"))', listener("a", ":514")), ""),
        (http("a", "0.0.0.0", 12345), "27"),
        (http("a", "10.0.0.1", 12345), ""),
        (listener("a", ":12345", "udp"), ""),
        (relabel('source_labels = ["__meta_docker_container_id"]\ntarget_label = "id"'), "28"),
        (relabel('source_labels = ["__meta_docker_container_id"]\ntarget_label = "__path__"'), ""),
        (relabel('source_labels = ["__meta_docker_container_id"]\nregex = "(.).*"\ntarget_label = "x"'), ""),
        (relabel('regex = "__meta_kubernetes_pod_label_(.+)"\naction = "labelmap"'), "28"),
        (relabel('regex = "__meta_kubernetes_pod_label_(app_.+)"\naction = "labelmap"'), ""),
        (relabel('regex = "__meta_kubernetes_node_label_(.+)"\naction = "labelmap"'), ""),
        (lines('stage.labels { values = { "trace" = "traceID" } }'), "28"),
        (lines('stage.labels { values = { "trace-id" = null } }'), "28"),
        (lines('stage.labels { values = { level = "" } }'), ""),
        (lines('stage.labels { values = { ip = "client_ip" } }\nstage.label_drop { values = ["ip"] }'), ""),
        (relabel('source_labels = ["__meta_kubernetes_pod_nmae"]\ntarget_label = "x"'), "29"),
        (relabel('source_labels = ["__meta_kubernetes_pod_label_app"]\ntarget_label = "x"'), ""),
        (relabel('source_labels = ["__meta_kubernetes_node_address_InternalIP"]\ntarget_label = "x"'), ""),
        (relabel('source_labels = ["__meta_docker_container_log_stream"]\ntarget_label = "x"'), ""),
        (relabel('source_labels = ["__meta_custom"]\ntarget_label = "x"'), ""),
        (relabel('source_labels = ["__meta_docker_x"]\ntarget_label = "y"',
                 more='discovery.http "a" { url = "http://sd" }'), ""),
        (relabel('source_labels = ["__meta_docker_x"]\ntarget_label = "y"',
                 more=targets('{__address__ = "a", __meta_docker_x = "b"}')), ""),
        (role("node", "pod_name"), "30"),
        (role("node", "pod_name") + relabel(MAPPED, label="b"), ""),
        (role("node", "node_name"), ""),
        (role("pod", "node_name"), "30"),
        (role("pod", "node_label_zone", "attach_metadata { node = true }"), ""),
        (role("pod", "pod_name").replace("meta_kubernetes_pod_", "meta_docker_container_"), "30"),
        (role("node", "pod_name").replace("kubernetes.k", "relabel.b").replace("b.targets", "b.output")
         + relabel(NAME, label="b"), ""),
        (role("node", "pod_name") + LENT, ""),
        (relabel('source_labels = ["__name__"]\nregex = "x"\naction = "keep"'), "31"),
        (relabel(NAME, "prometheus.relabel"), "31"),
        (relabel('source_labels = ["__name__"]\nregex = "x"\naction = "keep"', "prometheus.relabel"), ""),
        (relabel('source_labels = ["__name__"]\ntarget_label = "x"', more=LENT), ""),
        (relabel('source_labels = ["__name__"]\ntarget_label = "x"', more=targets('{__name__ = "a"}')), ""),
    ],
)  # fmt: skip
def test_only_what_is_certain_is_found(text: str, expected: str) -> None:
    assert numbers(text) == ([expected] if expected else [])
