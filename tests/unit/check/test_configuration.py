"""Checking whole configurations: scopes, modules, imports, ports, warnings, hints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alloypy.check import explanations
from alloypy.check.units.fixing import is_fixable
from alloypy.graph.admission import Gate
from alloypy.graph.texts import DEPRECATED
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import DiagnosticsError, edited
from tests.support.checking import check_text, errors, missed, warnings

WRITE = 'pyroscope.write "w" {\n  endpoint {\n    url = "http://h"\n  }\n}\n'
READ = 'pyroscope.relabel "r" {\n  forward_to = [pyroscope.write.w.receiver]\n}\n'


def test_names_of_other_scopes_mean_nothing() -> None:
    text = (
        'declare "m" {\n  argument "a" { }\n  pyroscope.write "i" {\n'
        "    external_labels = { x = argument.a.value, y = argument.b.value }\n  }\n}\n"
        'm "x" {\n  a = "1"\n}\n'
        'pyroscope.write "w" {\n  external_labels = { z = argument.a.value }\n}\n'
    )
    assert missed(text) == [
        'c:4:51: component "argument.b.value" does not exist or is out of scope',
        'c:11:27: component "argument.a.value" does not exist or is out of scope',
    ]


def test_a_template_sees_what_is_around_it_and_its_variable() -> None:
    text = WRITE + (
        'foreach "f" {\n  collection = ["a"]\n  var        = "item"\n  template {\n'
        '    pyroscope.relabel "r" {\n      forward_to = [pyroscope.write.w.receiver]\n      rule {\n'
        '        regex  = item\n        action = "drop"\n      }\n    }\n  }\n}\n'
    )
    assert errors(text) == []
    outside = text + 'pyroscope.write "v" {\n  external_labels = { a = item }\n}\n'
    assert missed(outside) == ['c:20:27: component "item" does not exist or is out of scope']


def test_what_a_module_exports() -> None:
    module = (
        'declare "m" {\n  pyroscope.write "i" { }\n  export "receiver" {\n'
        '    value = pyroscope.write.i.receiver\n  }\n  export "count" {\n    value = 1 + 1\n  }\n}\n'
        'm "x" { }\n'
    )
    assert missed(module + 'pyroscope.relabel "r" {\n  forward_to = [m.x.receiver]\n}\n') == []
    assert missed(module + 'pyroscope.relabel "r" {\n  forward_to = [m.x.reciever]\n}\n') == [
        'c:12:21: field "reciever" does not exist'
    ]
    assert missed(module + 'pyroscope.relabel "r" {\n  forward_to = [m.x.count]\n}\n') == [
        "c:12:17: m.x.count should be capsule, got number"
    ]


def test_arguments_have_the_values_that_each_instance_gives() -> None:
    module = (
        'declare "m" {\n  argument "labels" { }\n  argument "extra" {\n    optional = true\n'
        '    default  = [1]\n  }\n  pyroscope.write "w" {\n    external_labels = argument.labels.value\n  }\n'
        '  pyroscope.write "v" {\n    external_labels = argument.extra.value\n  }\n}\n'
    )
    one = module + 'm "x" {\n  labels = "a"\n}\n'
    wrong = [
        "c:8:23: argument.labels.value should be object, got string",
        "c:11:23: argument.extra.value should be object, got array",
    ]
    assert missed(one) == wrong
    assert missed(module + 'm "x" {\n  labels = {}\n  extra  = null\n}\n') == []
    assert missed(one + 'm "y" {\n  labels = {}\n  extra  = {}\n}\n') == wrong


def test_modules_that_need_themselves() -> None:
    text = 'declare "a" {\n  b "x" { }\n}\ndeclare "b" {\n  a "x" { }\n}\na "y" { }\n'
    assert missed(text) == [
        "c:1:1: cycle: declare.a, declare.b",
        "c:4:1: cycle: declare.a, declare.b",
    ]
    assert missed('declare "d" {\n  d "x" { }\n}\nd "y" { }\n') == ["c:1:1: self reference: declare.d"]
    assert missed('declare "declare" {\n  pyroscope.write "w" { }\n}\n') == [
        "c:1:1: 'declare' is not a valid label for a declare block"
    ]


def test_what_is_wrong_in_a_module_that_nothing_uses_only_warns() -> None:
    broken = 'declare "m" {\n  pyroscope.write "w" {\n    external_labels = { a = sys }\n  }\n}\n'
    assert errors(broken) == []
    assert "c:3:29: sys should be string, got object" in warnings(broken)
    assert errors(broken + 'm "x" { }\n') == ["c:3:29: sys should be string, got object"]


def test_an_empty_module_cannot_be_used() -> None:
    message = "loading custom component controller: custom component config not found in the registry"
    expected = f'c:2:1: {message}, namespace: "", componentName: "m"'
    assert missed('declare "m" { }\nm "x" { }\n') == [expected]


MODULE = (
    'declare "sink" {\n  argument "url" { }\n  argument "name" {\n    optional = true\n  }\n'
    '  pyroscope.write "w" {\n    endpoint {\n      url = argument.url.value\n    }\n  }\n'
    '  export "receiver" {\n    value = pyroscope.write.w.receiver\n  }\n}\n'
)
IMPORT = 'import.file "m" {\n  filename = "mod.alloy"\n}\n'


def test_imported_modules_are_looked_into() -> None:
    use = IMPORT + 'm.sink "a" {\n  url = "http://h"\n}\n'
    relabel = 'pyroscope.relabel "r" {\n  forward_to = [m.sink.a.receiver]\n}\n'
    modules = {"mod.alloy": MODULE}
    assert missed(use + relabel, modules=modules) == []
    assert missed(use + relabel.replace("receiver", "reciever"), modules=modules) == [
        'c:8:26: field "reciever" does not exist'
    ]
    assert missed(IMPORT + 'm.sink "a" {\n  zzz = 1\n}\n', modules=modules) == [
        'c:4:1: missing required argument "url" to module',
        'c:5:3: Provided argument "zzz" is not defined in the module',
    ]
    (fault,) = missed(IMPORT + 'm.sinc "a" { }\n', modules=modules)
    assert fault.endswith('namespace: "m", componentName: "sinc"')


def test_a_module_that_cannot_be_read_here_may_be_there() -> None:
    assert errors(IMPORT + 'm.whatever "a" {\n  x = 1\n}\n') == []


def test_files_are_found_beside_the_configuration() -> None:
    text = 'import.file "m" {\n  filename = file.path_join(module_path, "mod.alloy")\n}\nm.nope "a" { }\n'
    (fault,) = missed(text, modules={"/etc/alloy/mod.alloy": MODULE})
    assert 'componentName: "nope"' in fault


def test_faults_in_imported_content() -> None:
    wrong = MODULE.replace("endpoint {", "endpont {")
    modules = {"mod.alloy": wrong}
    assert errors(IMPORT, modules=modules) == []
    assert errors(IMPORT + 'm.sink "a" {\n  url = "u"\n}\n', modules=modules) == [
        'mod.alloy:7:5: unrecognized block name "endpont"'
    ]
    assert warnings(IMPORT, modules={"mod.alloy": 'pyroscope.write "w" { }\n'}) == [
        "mod.alloy:1:1: only declare and import blocks are allowed in a module, got pyroscope.write"
    ]
    assert warnings(IMPORT, modules={"mod.alloy": "a = "}) == ["mod.alloy:1:5: expected expression, got EOF"]


def test_content_in_a_string() -> None:
    text = 'import.string "m" {\n  content = `declare "a" {\n  nope "x" { }\n}`\n}\nm.a "x" { }\n'
    assert missed(text) == ['m:2:3: cannot find the definition of component name "nope"']
    assert warnings('import.string "m" {\n  content = "declare"\n}\n')[0].startswith("c:1:1: m:1:")
    assert errors('import.string "m" {\n  content = sys.env("M")\n}\nm.a "x" { }\n') == []


def test_modules_that_import_themselves_end() -> None:
    modules = {"mod.alloy": IMPORT + 'declare "a" {\n  m.a "x" { }\n}\n'}
    assert warnings(IMPORT + 'm.a "x" { }\n', modules=modules) == [
        "mod.alloy:1:1: the content imports itself"
    ]


def receiver(label: str, address: str, port: str) -> str:
    return (
        f'pyroscope.receive_http "{label}" {{\n  forward_to = []\n  http {{\n'
        f"    listen_address = {address}\n    listen_port    = {port}\n  }}\n}}\n"
    )


@pytest.mark.parametrize(
    ("first", "second", "collide"),
    [
        ('"127.0.0.1"', '"127.0.0.1"', True),
        ('"127.0.0.1"', '"127.0.0.2"', False),
        ('""', '"127.0.0.1"', True),
        ('"0.0.0.0"', '"127.0.0.1"', True),
        ('"0.0.0.0"', '"::1"', True),
        ('"localhost"', '"127.0.0.1"', True),
        ('"localhost"', '"127.0.0.2"', False),
        ('"::1"', '"0:0::1"', True),
        ('"::"', '"0.0.0.0"', True),
        ('sys.env("A")', '""', False),
    ],
)
def test_two_receivers_on_one_port(first: str, second: str, collide: bool) -> None:
    found = missed(receiver("a", first, "4040") + receiver("b", second, "4040"))
    assert [line.split(": ", 1)[0] for line in found] == (["c:12:5"] if collide else [])
    assert missed(receiver("a", first, "0") + receiver("b", second, "0")) == []


def test_ports_that_are_not_written() -> None:
    text = 'pyroscope.receive_http "a" {\n  forward_to = []\n}\nloki.source.api "b" {\n  forward_to = []\n}\n'
    assert missed(text) == ["c:4:1: listen tcp :8080: bind: address already in use"]


def test_warnings() -> None:
    text = (
        'pyroscope.receive_http "h" {\n  forward_to = [pyroscope.write.w.receiver]\n}\n'
        'pyroscope.write "w" {\n  endpoint {\n    url = "localhost:4040"\n    max_backoff_retries = 5.7\n'
        '    basic_auth {\n      password = "p"\n    }\n  }\n}\n'
        'pyroscope.write "left" { }\n'
        'pyroscope.write "old" {\n  external_labels = { a = env("A") }\n}\n'
    )
    assert errors(text) == []
    assert [line.split(": ", 1)[1] for line in warnings(text)] == [
        DEPRECATED,
        '"localhost:4040" is not a URL: it does not begin with http:// or https://',
        "5.7 does not fit; max_backoff_retries will be 5",
        "password is a secret in plain text",
        "pyroscope.write.left has no endpoint: what it receives is lost",
        "nothing uses pyroscope.write.left",
        "pyroscope.write.old has no endpoint: what it receives is lost",
        "nothing uses pyroscope.write.old",
    ]


def test_a_url_without_a_scheme_is_repaired() -> None:
    def repaired(written: str) -> tuple[str, str]:
        text = f'pyroscope.write "w" {{\n  endpoint {{\n    url = {written}\n  }}\n}}\n'
        (found,) = [each for each in check_text(text).further if each.code == "ALY0907"]
        assert not is_fixable(found), "a person decides"
        return found.hint, edited(text.encode(), found.fix).decode().split("url = ")[1].split("\n")[0]

    assert repaired('"a:4040/x"') == ("did you mean `http://a:4040/x`?", '"http://a:4040/x"')
    assert repaired("`u:hush@a`") == ("did you mean `http://u:xxxxx@a`?", "`http://u:hush@a`")
    for written in ('"ftp://a"', '""', '"true"', '"a b"', '"a" + ":4040"'):
        assert repaired(written) == ("", written)


def test_a_quiet_configuration_is_quiet() -> None:
    text = (
        'pyroscope.receive_http "h" {\n  forward_to = [pyroscope.relabel.r.receiver]\n  http {\n'
        '    listen_address = "127.0.0.1"\n  }\n}\n' + WRITE + READ
    )
    assert (errors(text), warnings(text)) == ([], [])


def test_the_gate() -> None:
    text = 'pyroscope.enrich "e" {\n  forward_to = []\n  targets = []\n  target_match_label = "a"\n}\n'
    assert errors(text, gate=Gate(Stability.PUBLIC_PREVIEW))[0].startswith("c:1:1: component")
    assert not any("stability" in line for line in errors(text))


def test_an_attribute_outside_of_blocks_ends_it() -> None:
    with pytest.raises(DiagnosticsError, match="unrecognized attribute a"):
        check_text('a = 1\nb "c" { }\n')


def test_every_code_is_explained() -> None:
    texts = [
        WRITE + READ.replace("receiver", "x"),
        'declare "declare" { }\nhttp "x" { }\nui { }\nargument "a" { }\nfoo { }\n',
        'pyroscope.write "w" {\n  a = 1\n  b { }\n  endpoint = 1\n  endpoint "x" { }\n}\n',
        receiver("a", '""', "1") + receiver("b", '""', "1"),
        'discovery.dns "x" {\n  names = []\n  type = "X"\n}\n',
    ]
    found = {d.code for text in texts for part in check_text(text)[1:3] for d in part}
    assert len(found) > 10
    for code in (*found, *explanations.all_codes()):
        meaning = explanations.explanation(code)
        assert meaning is not None, code
        assert meaning.title
        assert meaning.explanation.endswith(".")
    assert explanations.explanation("ALY9999") is None


def test_checking_needs_no_network_library(tmp_path: Path) -> None:
    config = tmp_path / "config.alloy"
    config.write_text(WRITE + READ)
    script = (
        "import sys\n"
        "from alloypy.cli.main import main\n"
        "main(['validate', sys.argv[1]])\n"
        "print([n for n in ('httpx', 'starlette', 'uvicorn', 'google.protobuf', 'prometheus_client',"
        " 're2', 'yaml', 'asyncio', 'ssl') if n in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(config)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("local.file.f.content", "a receiver of profiles is expected here, not a text that may be secret"),
        ("loki.write.l.receiver", "a receiver of profiles is expected here, not a receiver of logs"),
    ],
)
def test_capsules_are_described_in_words(given: str, hint: str) -> None:
    text = (
        'local.file "f" {\n  filename = "f"\n}\n'
        'loki.write "l" {\n  endpoint {\n    url = "http://h"\n  }\n}\n'
        f'pyroscope.receive_http "r" {{\n  forward_to = [{given}]\n}}\n'
    )
    assert [each.hint for each in check_text(text).further if "capsule" in each.message] == [hint]
