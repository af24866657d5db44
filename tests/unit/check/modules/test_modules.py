"""Checking modules: each instance by its values, each content once, ports wherever they are."""

from __future__ import annotations

from collections import Counter

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import Context, check_files
from alloypy.check.modules.imports import Files, Location
from alloypy.graph.definitions import MAX_MODULES, TOO_MANY_MODULES
from alloypy.graph.imported import MAX_DEPTH, MAX_IMPORTS
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.source import Source
from tests.support.checking import EVERYTHING, errors, lines, missed, warnings


def receiver(address: str, port: str) -> str:
    http = f"http {{\n listen_address = {address}\n listen_port = {port}\n }}"
    return f'pyroscope.receive_http "r" {{\n {http}\n forward_to = []\n}}\n'


MODULE = f'declare "m" {{\n argument "port" {{ optional = true }}\n{receiver(chr(34) * 2, "%s")}}}\n'
IN_USE = "address already in use"


def ports(text: str) -> list[str]:
    return [line for line in missed(text) if IN_USE in line]


def test_a_module_with_its_own_port_can_be_used_once() -> None:
    fixed = MODULE % "4040"
    assert ports(fixed + 'm "x" { }\n') == []
    assert ports(fixed + 'm "x" { }\nm "y" { }\n') == [f"c:6:2: listen tcp :4040: bind: {IN_USE}"]
    given = MODULE % "argument.port.value"
    assert ports(given + 'm "x" { port = 1 }\nm "y" { port = 2 }\n') == []
    assert ports(given + 'm "x" { port = 1 }\nm "y" { port = 1 }\n') == [
        f"c:6:2: listen tcp :1: bind: {IN_USE}"
    ]
    assert ports(given + 'm "x" { port = 1 }\nm "y" { port = sys.env("PORT") }\n') == []


def test_a_module_that_others_use() -> None:
    outer = MODULE % "4040" + 'declare "o" {\n m "a" { }\n}\n'
    assert len(ports(outer + 'o "x" { }\nm "y" { }\n')) == 1
    assert ports(outer + 'o "x" { }\n') == []


def test_each_item_of_a_foreach_listens() -> None:
    def foreach(items: str, port: str) -> str:
        template = f"template {{\n{receiver(chr(34) + '127.0.0.1' + chr(34), port)}}}"
        return f'foreach "f" {{\n collection = {items}\n var = "each"\n {template}\n}}\n'

    assert len(ports(foreach("[1, 2]", "4040"))) == 1
    assert len(ports(foreach("[1, 1]", "each"))) == 1
    assert ports(foreach("[1, 2]", "each")) == []
    assert ports(foreach("[1]", "4040")) == []
    assert len(ports(foreach("[1]", "4040") + receiver('"localhost"', "4040"))) == 1


def test_an_address_in_brackets() -> None:
    assert missed(receiver('"[::1]"', "4040")) == [
        "c:3:2: listen tcp: address [[::1]]:4040: missing port in address"
    ]
    assert missed(receiver('"::1"', "4040")) == []


def test_modules_in_modules_are_looked_into_once_for_each_sort_of_values() -> None:
    write = 'pyroscope.write "w" {\n  external_labels = argument.v.value\n }'
    levels = f'declare "l0" {{\n argument "v" {{ }}\n {write}\n}}\n'
    for level in range(60):
        use = f'l{level} "a" {{ v = argument.v.value }}\n l{level} "b" {{ v = argument.v.value }}'
        levels += f'declare "l{level + 1}" {{\n argument "v" {{ }}\n {use}\n}}\n'
    assert missed(levels + 'l60 "x" { v = {} }\n') == []
    assert missed(levels + 'l60 "x" { v = {} }\nl60 "y" { v = 1 }\n') == [
        "c:4:21: argument.v.value should be object, got number"
    ]


def read(modules: dict[str, str], config: str) -> tuple[list[str], Counter[str]]:
    """Warnings about a configuration, and how often each module was read."""
    reads: Counter[str] = Counter()

    def look(path: str) -> list[Source]:
        reads[path] += 1
        return [Source(path, modules[path].encode())]

    beyond = Context({}, Files(look, ".", lambda path: Location(path, ".")))
    checked = check_files(parse_config([Source("c", config.encode())]), load_catalog(), EVERYTHING, beyond)
    assert lines(checked.as_alloy) == lines(checked.further) == []
    return [each.message for each in checked.further], reads


def imports(*paths: str) -> str:
    return "".join(f'import.file "i{n}" {{\n filename = "{path}"\n}}\n' for n, path in enumerate(paths))


def test_imports_that_meet_again_are_read_once() -> None:
    deepest = MAX_DEPTH - 5
    modules = {str(n): imports(str(n + 1), str(n + 1)) for n in range(deepest)} | {str(deepest): ""}
    told, reads = read(modules, imports("0", "0"))
    assert set(reads.values()) == {1}
    assert len(reads) == deepest + 1
    assert set(told) == {f"the content leads to more than {MAX_IMPORTS} imports"}


def test_imports_in_circles_are_read_once() -> None:
    names = [str(n) for n in range(16)]
    told, reads = read({name: imports(*names) for name in names}, imports(*names))
    assert set(reads.values()) == {1}
    assert set(told) <= {
        "the content imports itself",
        f"the content leads to more than {MAX_IMPORTS} imports",
    }
    assert "the content imports itself" in told


def test_imports_nested_too_deep() -> None:
    modules = {str(n): imports(str(n + 1)) for n in range(MAX_DEPTH + 5)} | {str(MAX_DEPTH + 5): ""}
    assert read(modules, imports("0"))[0] == [f"imports are nested more than {MAX_DEPTH} levels deep"]
    assert read(modules, imports("5"))[0] == []


def test_a_block_with_a_used_name_is_reported_once() -> None:
    text = 'pyroscope.write "w" {\n  endpoint {\n    url = "http://h"\n  }\n}\n'
    assert warnings(text + text) == ["c:1:1: nothing uses pyroscope.write.w"]


def test_an_optional_argument_by_its_value() -> None:
    module = 'declare "m" {\n argument "a" { optional = 1 == %s }\n pyroscope.write "w" { }\n}\n'
    text = 'import.file "i" {\n filename = "f"\n}\ni.m "x" { }\n'
    assert errors(text, modules={"f": module % "1"}) == []
    assert errors(text, modules={"f": module % "2"}) == ['c:4:1: missing required argument "a" to module']


def test_what_nothing_uses_in_a_module_is_not_looked_into() -> None:
    module = 'declare "m" {\n pyroscope.write "w" { }\n declare "n" {\n  nope "x" { }\n }\n}\n'
    text = 'import.file "i" {\n filename = "f"\n}\ni.m "x" { }\n'
    assert errors(text, modules={"f": module}) == []


def nested(levels: int) -> str:
    deepest = 'declare "l1" {\n pyroscope.write "w" { }\n}\n'
    return deepest + "".join(f'declare "l{n + 1}" {{\n l{n} "x" {{ }}\n}}\n' for n in range(1, levels))


def test_modules_nested_too_deep() -> None:
    text = nested(MAX_MODULES + 1)
    assert missed(text + f'l{MAX_MODULES} "x" {{ }}\n') == []
    fault = f"updating custom component: {TOO_MANY_MODULES}"
    assert missed(text + f'l{MAX_MODULES + 1} "x" {{ }}\n') == [f"c:5:2: {fault}"]
    # The deepest has been looked into before.
    both = f'l{MAX_MODULES} "a" {{ }}\nl{MAX_MODULES + 1} "b" {{ }}\n'
    assert missed(text + both) == [f"c:{3 * MAX_MODULES + 2}:2: {fault}"]


def test_secrets_that_come_from_elsewhere_are_not_told() -> None:
    text = (
        'declare "n" {\n argument "other" { }\n export "out" { value = argument.other.value }\n}\n'
        'declare "m" {\n argument "password" { }\n n "a" { other = argument.password.value }\n'
        ' pyroscope.write "w" {\n  endpoint {\n   url = n.a.out\n   remote_timeout = n.a.out\n  }\n }\n'
        ' foreach "f" {\n  collection = [n.a.out]\n  var = "it"\n  template {\n'
        '   local.file "f" {\n    filename = "x"\n    detector = it\n   }\n  }\n }\n}\n'
        'm "x" { password = "hunter2" }\n'
    )
    assert missed(text) == [
        'c:11:21: n.a.out time: invalid duration "(secret)"',
        'c:20:16: it unrecognized detector "(secret)", expected fsnotify or poll',
    ]
    assert 'c:10:4: "(secret)" is not a URL: it does not begin with http:// or https://' in warnings(text)
    assert missed(text.replace("password", "timeout"))[0].endswith('invalid duration "hunter2"')


def test_a_variable_in_the_way_of_a_component() -> None:
    def foreach(item: str) -> str:
        template = 'template {\n  local.file "f" {\n   filename = "x"\n  }\n }'
        return f'foreach "f" {{\n collection = [{item}]\n var = "local"\n {template}\n}}\n'

    fault = 'expected a map but found a value for "{}" when trying to cache the export for local.file.f'
    assert missed(foreach('"a"')) == ["c:5:3: " + fault.format("local")]
    assert missed(foreach("{ file = 1 }")) == ["c:5:3: " + fault.format("file")]
    assert missed(foreach("{ file = { } }")) == []
