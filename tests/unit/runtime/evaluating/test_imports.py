"""Imports: from files, directories, texts and servers; followed as they change."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.options import HTTPImport
from alloypy.schema.fields import arguments, attribute
from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.fakes import World, world

pytestmark = pytest.mark.anyio

MODULE = (
    'declare "sink" {\n  argument "v" { optional = true }\n'
    '  test.node "w" { value = "%s" }\n  export "e" { value = test.node.w.value }\n}\n'
)
USE = 'm.sink "s" { }\ntest.node "r" { value = m.sink.s.e }\n'


@arguments
class HTTPArguments:
    """What `import.http` takes here."""

    url: str = attribute()
    poll_frequency: Duration = attribute(default=Duration(10_000_000))


class Server:
    """Stands for an HTTP server."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.error: Exception | None = None

    async def fetch(self, given: HTTPArguments) -> str:
        if self.error is not None:
            raise self.error
        return self.content

    @property
    def reader(self) -> HTTPImport:
        return HTTPImport(HTTPArguments, self.fetch)


def of_file(path: Path) -> str:
    return (
        f'import.file "m" {{\n  filename = "{path.as_posix()}"\n  detector = "poll"\n'
        '  poll_frequency = "10ms"\n}\n'
    )


async def until(w: World, node: str, value: str) -> None:
    """Wait for a fake component to have a value; the test's own time limit bounds it."""
    while w.node(node).arguments.value != value:
        await asyncio.sleep(0.01)


def imports_health(w: World) -> list[str]:
    """States of the root's instances that are not components."""
    [root, *_] = w.controller.controllers()
    shown = [info.health.state.text for info in w.controller.components()]
    states = [health.state.text for health in root.healths]
    for state in shown:
        states.remove(state)
    return states


def replace(path: Path, text: str) -> None:
    """Replace the content in one step, so that the file is never seen empty."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


async def test_a_file(tmp_path: Path) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text(MODULE % "1")
    async with world(tmp_path) as w:
        await w.load(of_file(module) + USE)
        assert w.node("test.node.r").arguments.value == "1"
        assert w.health("m.sink.s") == ("healthy", "started custom component")
        assert imports_health(w) == ["healthy"]
        module.write_text(MODULE % "22")
        await until(w, "test.node.r", "22")
        assert w.node("m.sink.s/test.node.w").updates[-1].value == "22"


async def test_new_content_that_is_broken_keeps_the_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text(MODULE % "1")
    async with world(tmp_path) as w:
        await w.load(of_file(module) + USE)
        for content, message in (
            ("declare {", "failed to parse file on update"),
            (MODULE % "2" + 'test.node "x" { }', "failed to process imported content"),
            ('import.file "y" { filename = "absent" }', "failed to evaluate nested import"),
        ):
            replace(module, content)
            while message not in [each.message for each in caplog.records]:
                await asyncio.sleep(0.01)
            assert imports_health(w) == ["unhealthy"]
            assert w.controller.unhealthy() == []
            await w.load(of_file(module) + USE)
            assert w.node("test.node.r").arguments.value == "1"
        module.unlink()
        while "failed to collect files" not in [each.message for each in caplog.records]:
            await asyncio.sleep(0.01)
        module.write_text(MODULE % "33")
        await until(w, "test.node.r", "33")
        assert imports_health(w) == ["healthy"]


async def test_a_template_that_fails_keeps_the_old_instance(tmp_path: Path) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text(MODULE % "1")
    async with world(tmp_path) as w:
        await w.load(of_file(module) + USE)
        module.write_text((MODULE % "2").replace('value = "2"', "value = [2]"))
        while w.health("m.sink.s")[0] != "unhealthy":
            await asyncio.sleep(0.01)
        assert w.node("test.node.r").arguments.value == "1"
        module.write_text(MODULE % "33")
        await until(w, "test.node.r", "33")
        assert w.health("m.sink.s")[0] == "healthy"


async def test_a_directory(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    (modules / "deeper").mkdir(parents=True)
    (modules / "a.alloy").write_text(MODULE % "1")
    (modules / "b.alloy").write_text('declare "other" { test.node "o" { value = module_path } }')
    (modules / "c.txt").write_text("not alloy")
    (modules / "deeper" / "d.alloy").write_text("broken {")
    async with world(tmp_path) as w:
        await w.load(of_file(modules) + USE + 'm.other "o" { }')
        assert w.node("test.node.r").arguments.value == "1"
        assert w.node("m.other.o/test.node.o").arguments.value == modules.as_posix()
        (modules / "a.alloy").write_text(MODULE % "2")
        await until(w, "test.node.r", "2")


async def test_the_notifying_detector(tmp_path: Path) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text(MODULE % "1")
    async with world(tmp_path) as w:
        await w.load(f'import.file "m" {{ filename = "{module.as_posix()}" }}\n' + USE)
        module.write_text(MODULE % "22")
        await until(w, "test.node.r", "22")


async def test_a_text_that_follows_a_component(tmp_path: Path) -> None:
    def escaped(text: str) -> str:
        return text.replace('"', '\\"').replace("\n", "\\n")

    source = 'test.node "t" {{ value = "{}" }}\nimport.string "m" {{ content = test.node.t.value }}\n'
    async with world(tmp_path) as w:
        await w.load(source.format(escaped(MODULE % "1")) + USE)
        w.node("test.node.t").export(MODULE % "2")
        await until(w, "test.node.r", "2")
        w.node("test.node.t").export("broken {")
        await w.settled()
        assert imports_health(w) == ["unhealthy"]
        result = await w.load(source.format(escaped(MODULE % "3")) + USE)
        assert "m.sink.s/test.node.w" in result.updated
        assert w.node("test.node.r").arguments.value == "3"


async def test_a_server(tmp_path: Path) -> None:
    server = Server(MODULE % "1")
    async with world(tmp_path, http_import=server.reader) as w:
        await w.load('import.http "m" { url = "http://host/dir/mod.alloy" }\n' + USE)
        server.content = (MODULE % "2").replace('"2"', 'module_path + "2"')
        await until(w, "test.node.r", "http://host/dir/2")
        server.error = ConnectionError("gone")
        while imports_health(w) != ["unhealthy"]:
            await asyncio.sleep(0.01)
        assert w.node("test.node.r").arguments.value == "http://host/dir/2"


async def test_a_server_that_does_not_answer_at_first(tmp_path: Path) -> None:
    server = Server("")
    server.error = ConnectionError("gone")
    async with world(tmp_path, http_import=server.reader) as w:
        with pytest.raises(DiagnosticsError) as caught:
            await w.load('import.http "m" { url = "http://host/" }')
    assert str(caught.value) == (
        "config.alloy:1:1: Failed to evaluate node for config block: creating http component: gone"
    )


async def test_a_server_may_not_name_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = Server('import.file "x" { filename = "/etc/passwd" }')
    async with world(tmp_path, http_import=server.reader) as w:
        await w.load('import.http "m" { url = "http://host/" }')
        assert imports_health(w) == ["unhealthy"]
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.__dict__["fields"]["err"] == (
        "importing a module via import.http (nodeID: import.http.m) that contains an import.file block "
        "is not supported"
    )


async def test_imports_inside_imports(tmp_path: Path) -> None:
    leaf = tmp_path / "leaf.alloy"
    leaf.write_text(MODULE % "1")
    (tmp_path / "mod.alloy").write_text(
        'import.file "leaf" {\n filename = module_path + "/leaf.alloy"\n detector = "poll"\n'
        ' poll_frequency = "10ms"\n}\n'
        'declare "sink" {\n leaf.sink "l" { }\n export "e" { value = leaf.sink.l.e }\n}\n'
    )
    async with world(tmp_path) as w:
        await w.load(of_file(tmp_path / "mod.alloy") + USE)
        assert w.node("m.sink.s/leaf.sink.l/test.node.w").arguments.value == "1"
        leaf.write_text(MODULE % "22")
        await until(w, "test.node.r", "22")


async def test_content_that_imports_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text('import.file "again" { filename = module_path + "/mod.alloy" }')
    async with world(tmp_path) as w:
        await w.load(of_file(module))
        assert imports_health(w) == ["unhealthy"]
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.message == "failed to evaluate nested import"
    assert record.__dict__["fields"] == {
        "config_path": ".",
        "config_id": "import.file.m",
        "err": "imported node again failed to evaluate, the content imports itself",
    }


async def test_what_is_good_in_bad_content_can_be_used_at_first(tmp_path: Path) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text(MODULE % "1" + 'test.node "x" { }\n' + 'declare "late" { test.node "l" { } }')
    async with world(tmp_path) as w:
        await w.load(of_file(module) + USE)
        assert imports_health(w) == ["unhealthy"]
        assert w.node("test.node.r").arguments.value == "1"
        with pytest.raises(DiagnosticsError, match='namespace: "m", componentName: "late"'):
            await w.load(of_file(module) + 'm.late "x" { }')


@pytest.mark.parametrize(
    ("content", "message", "err"),
    [
        (
            "a = 1",
            "failed to process imported content",
            "only declare and import blocks are allowed in a module",
        ),
        (
            'import.string "x" { content = "" }\nimport.string "x" { content = "" }',
            "failed to process imported content",
            "import block redefined x",
        ),
        (
            'import.git "x" {\n repository = "r"\n path = "p"\n}',
            "failed to evaluate nested import",
            (
                "imported node x failed to evaluate, import.git needs the program git, "
                "which this process does not use"
            ),
        ),
    ],
)
async def test_content_that_is_not_fit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, message: str, err: str
) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text(content)
    async with world(tmp_path) as w:
        await w.load(of_file(module))
        assert imports_health(w) == ["unhealthy"]
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert (record.message, record.__dict__["fields"]["err"]) == (message, err)


async def test_of_two_declares_of_one_name_the_first_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text(MODULE % "1" + MODULE % "2")
    async with world(tmp_path) as w:
        await w.load(of_file(module) + USE)
        assert w.node("test.node.r").arguments.value == "1"
        assert imports_health(w) == ["healthy"]
    assert [each.message for each in caplog.records] == ["declare block redefined"]


async def test_an_unreadable_file_of_a_directory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "gone.alloy").symlink_to(tmp_path / "nowhere")
    async with world(tmp_path) as w:
        with pytest.raises(DiagnosticsError, match=r"failed to read file: open .*gone.alloy: no such file"):
            await w.load(of_file(modules))
    assert caplog.records[0].__dict__["fields"]["file"] == str(modules / "gone.alloy")


async def test_an_import_of_a_nested_import_that_failed_is_known_but_empty(tmp_path: Path) -> None:
    module = tmp_path / "mod.alloy"
    module.write_text('import.file "n" { filename = "absent" }\ndeclare "d" {\n n.x "i" { }\n}')
    async with world(tmp_path) as w:
        with pytest.raises(DiagnosticsError, match='namespace: "n", componentName: "x"'):
            await w.load(of_file(module) + 'm.d "i" { }')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'import.file "m" { filename = "absent.alloy" }',
            (
                "Failed to evaluate node for config block: failed to read file: stat absent.alloy: "
                "no such file or directory"
            ),
        ),
        (
            'import.file "m" { filename = "" }',
            (
                "Failed to evaluate node for config block: failed to read file: stat : "
                "no such file or directory"
            ),
        ),
        (
            'import.file "m" { filename = "a\\x00b" }',
            ("Failed to evaluate node for config block: failed to read file: stat a\0b: invalid argument"),
        ),
        (
            'import.file "m" {\n filename = "x"\n detector = "magic"\n}',
            (
                "Failed to evaluate node for config block: decoding configuration: config.alloy:3:13: "
                '"magic" unrecognized detector "magic", expected fsnotify or poll'
            ),
        ),
        (
            'import.git "m" { repository = "x" }',
            (
                "Failed to evaluate node for config block: decoding configuration: "
                'missing required attribute "path"'
            ),
        ),
        (
            'import.git "m" {\n repository = "x"\n path = "y"\n revision = "HEAD"\n}',
            (
                "Failed to evaluate node for config block: decoding configuration: revision cannot be a "
                "special git reference such as HEAD, FETCH_HEAD, ORIG_HEAD, MERGE_HEAD, or CHERRY_PICK_HEAD"
            ),
        ),
        (
            'import.git "m" {\n repository = "x"\n path = "y"\n}',
            (
                "Failed to evaluate node for config block: import.git needs the program git, which this "
                "process does not use"
            ),
        ),
        (
            'import.http "m" { url = "http://host" }',
            (
                "Failed to evaluate node for config block: import.http needs an HTTP client, which this "
                "process does not have"
            ),
        ),
    ],
)
async def test_faults(tmp_path: Path, text: str, expected: str) -> None:
    async with world(tmp_path) as w:
        with pytest.raises(DiagnosticsError) as caught:
            await w.load(text)
    assert [str(each) for each in caught.value.diagnostics] == [f"config.alloy:1:1: {expected}"]
