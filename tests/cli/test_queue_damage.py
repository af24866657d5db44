"""`alloypy queue` on directories that are damaged, or have something else in the place of a queue's files."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alloypy.cli.main import main
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from tests.cli.test_queue_command import EU, SETTINGS, US, fill, listed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")


@pytest.fixture
def queue(tmp_path: Path) -> str:
    path = tmp_path / "queue"
    asyncio.run(fill(path))
    return str(path)


def link(path: Path) -> None:
    path.symlink_to("elsewhere")


def listening(path: Path) -> None:
    os.chdir(path.parent)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)


@pytest.mark.parametrize(
    ("name", "put", "words"),
    [
        ("done-x.log", Path.mkdir, "is a directory, but a queue has a file of that name"),
        ("done-x.log", link, "is a link, but a queue has a file of that name"),
        ("done-x.log", os.mkfifo, "is a pipe, but a queue has a file of that name"),
        (f"done-{EU}.log", listening, "is a socket, but a queue has a file of that name"),
        (f"dead-{EU}", Path.touch, "is a file, but a queue has a directory of that name"),
        (f"dead-{US}", Path.touch, "is a file, but a queue has a directory of that name"),
        (f"dead-{EU}/000000000009.seg", Path.mkdir, "is a directory, but a queue has a file of that name"),
        ("000000000009.seg", Path.mkdir, "is a directory, but a queue has a file of that name"),
        ("000000000001.seg", link, "is a link, but a queue has a file of that name"),
        ("lock", Path.mkdir, "is a directory, but a queue has a file of that name"),
    ],
)
def test_what_is_in_the_way_of_a_queue_is_named(
    name: str,
    put: Callable[[Path], None],
    words: str,
    queue: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(queue)
    place = Path(queue, "v1", name)
    if place.exists():
        place.rename(Path(queue).parent / "kept")
    put(place)
    with pytest.raises(QueueError) as caught:
        asyncio.run(Log.open(queue, settings=SETTINGS, destinations=[EU, US]))
    assert f"{place} {words}: move it away" in str(caught.value)
    if name != "lock":
        for action in ("ls", "replay"):
            assert main(["queue", action, queue]) == 1
            assert f"{place} {words}: move it away" in capsys.readouterr().err


def test_a_directory_in_the_place_of_the_names_is_listed_with_what_to_do(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path(queue, "v1", "destinations")
    place.unlink()
    place.mkdir()
    found = listed(queue, capsys)
    assert [*found] == [EU, US]
    assert main(["queue", "ls", queue]) == 0
    assert (
        f"Warning: cannot note the names of the destinations: {place} is a directory, but a queue has a file "
        "of that name: move it away\n"
    ) in capsys.readouterr().err


def test_a_queue_lists_destinations_whose_marks_are_lost_as_its_next_start_finds_them(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(queue, "v1", f"done-{EU}.log").unlink()
    found = listed(queue, capsys)
    assert (found[EU]["waiting"], found[EU]["dead_letters"]) == (5, 0)
    main(["queue", "ls", queue])
    assert f"Warning: the marks of {EU} are lost or damaged: 5 records wait" in capsys.readouterr().err
    assert main(["queue", "drop", queue, "--yes", f"--destination={EU}", "1"]) == 0
    capsys.readouterr()
    assert listed(queue, capsys)[EU]["waiting"] == 4
    assert not capsys.readouterr().err


@pytest.mark.parametrize("lost", [[f"done-{EU}.log"], [f"done-{EU}.log", f"done-{US}.log", "destinations"]])
def test_dead_letters_are_listed_and_replayed_though_nothing_else_of_their_destination_is_left(
    lost: list[str], queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*lost, "000000000001.seg"]:
        Path(queue, "v1", name).unlink()
    assert main(["queue", "ls", queue, "--records=9", f"--destination={EU}"]) == 0
    shown = capsys.readouterr()
    assert "  dead letters  2 (" in shown.out
    assert "dead letter, refused" in shown.out
    assert f"Warning: marks of {EU} were lost: 2 dead letters are kept" in shown.err
    assert main(["queue", "replay", queue]) == 0
    assert f"{EU}: 2 dead letters wait again" in capsys.readouterr().out
    assert main(["queue", "show", queue, "3"]) == 0
    assert f"{EU:<17} waits again since" in capsys.readouterr().out


def test_dead_letters_of_a_removed_destination_are_kept_though_nothing_else_of_it_is_left(queue: str) -> None:
    Path(queue, "v1", f"done-{EU}.log").unlink()
    Path(queue, "v1", "destinations").unlink()

    async def opened() -> dict[str, list[int]]:
        log = await Log.open(queue, settings=SETTINGS, destinations=[US])
        try:
            return {name: await log.dead_letters(name) for name in (EU, US)}
        finally:
            await log.close()

    assert asyncio.run(opened()) == {EU: [2, 3], US: []}


def test_a_file_that_does_not_count_is_named_before_it_is_renamed(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(queue, "v1", "000000000007.seg")
    copy.write_bytes(Path(queue, "v1", "000000000001.seg").read_bytes())
    assert main(["queue", "ls", queue]) == 0
    assert "(5, from 1 to 5): it is renamed when the queue is opened" in capsys.readouterr().err
    assert main(["queue", "replay", queue, "2"]) == 0
    first = f"{queue}/v1/000000000001.seg"
    assert f"from 1 to 5): it is now {first}.aside, to be deleted by you" in capsys.readouterr().err
    assert not Path(first).exists()
    assert main(["queue", "ls", queue]) == 0
    assert not capsys.readouterr().err


def test_a_queue_of_a_newer_version_is_not_taken_for_none(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(queue, "v1").rename(Path(queue, "v2"))
    assert main(["queue", "ls", queue]) == 1
    assert "another version of alloypy (v2)" in capsys.readouterr().err


def test_the_directory_of_the_files_of_a_queue_stands_for_it(
    queue: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(f"{queue}/v1")
    for path in (f"{queue}/v1", f"{queue}/v1/", "."):
        assert main(["queue", "ls", path]) == 0
        assert capsys.readouterr().out.startswith(f"{queue}: ")
        assert main(["queue", "drain", path]) == 0
        shown = capsys.readouterr().out
        assert f'path     = "{queue}"\n' in shown
        assert f"//   alloypy queue ls {queue}\n" in shown
    assert main(["queue", "replay", ".", "2"]) == 0


def test_a_queue_in_a_directory_below_is_named(queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    component = Path(queue).parent / "storage" / "alloypy.queue.default"
    component.mkdir(parents=True)
    Path(queue).rename(component / "queue")
    for path in (component, component.parent):
        assert main(["queue", "ls", str(path)]) == 1
        assert f"{path} has no queue: there is one in {component}/queue\n" in capsys.readouterr().err
    assert main(["queue", "ls", str(component.parent / "queue")]) == 1
    assert f"does not exist; there is a queue in {component}/queue\n" in capsys.readouterr().err


async def reopened(queue: str, *destinations: str) -> None:
    """Open and close a queue, which writes its marks anew, with sums only."""
    await (await Log.open(queue, settings=SETTINGS, destinations=destinations)).close()


def test_the_fate_of_a_record_is_told_as_far_as_it_is_known(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    late = "pyroscope.write.late"

    def fates(number: int) -> dict[str, str]:
        capsys.readouterr()
        assert main(["queue", "show", queue, str(number)]) == 0
        lines = [line.partition(" ") for line in capsys.readouterr().out.splitlines()]
        return {name: fate for name, _, fate in lines if name in (EU, US, late)}

    assert fates(1) == {EU: "delivered", US: "waits"}
    asyncio.run(reopened(queue, EU, US))
    assert fates(1)[EU] == "delivered"  # as nothing has been dropped
    assert main(["queue", "drop", queue, "--yes", "4", f"--destination={EU}"]) == 0
    assert fates(4) == {EU: "dropped (removed)", US: "waits"}
    assert fates(2)[EU].startswith("dead letter since ")
    asyncio.run(reopened(queue, EU, US, late))
    assert fates(4)[EU] == fates(1)[EU] == "delivered or dropped"
    assert fates(4)[late] == "not for it, as it was no destination then"


def test_a_removed_destination_gets_nothing_again_and_can_be_emptied(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def remove() -> None:
        log = await Log.open(queue, settings=SETTINGS, destinations=[US])
        record = await log.cursor(US).next()
        await log.cursor(US).dead(record.place, "refused", "no")
        await log.close()

    asyncio.run(remove())
    assert main(["queue", "replay", queue]) == 1
    shown = capsys.readouterr()
    assert shown.out == f"{US}: 1 dead letter waits again\n"
    assert f"{EU} is no destination any more" in shown.err
    assert main(["queue", "drop", queue, "--yes", f"--destination={EU}"]) == 0
    found = listed(queue, capsys)
    assert (found[EU]["removed"], found[EU]["waiting"], found[EU]["dead_letters"]) == (True, 0, 0)
    assert (found[US]["removed"], found[US]["waiting"]) == (False, 5)


def test_a_destination_whose_marks_are_deleted_while_the_queue_is_in_use_is_listed(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def use() -> None:
        log = await Log.open(queue, settings=SETTINGS, destinations=[EU, US])
        Path(queue, "v1", f"done-{EU}.log").unlink()
        assert await asyncio.to_thread(main, ["queue", "ls", queue, f"--destination={EU}"]) == 0
        await log.close()

    asyncio.run(use())
    shown = capsys.readouterr()
    assert "  waiting       5 (" in shown.out
    assert f"in use by process {os.getpid()}" in shown.out


def test_what_terminals_act_on_is_escaped(queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd = "pyroscope.write.\x1b[31m\x7f"
    asyncio.run(reopened(queue, EU, US, odd))
    assert main(["queue", "ls", queue]) == 0
    shown = capsys.readouterr().out
    assert "\npyroscope.write.\\x1b[31m\\x7f\n" in shown
    assert "\x1b" not in shown
    assert main(["queue", "ls", queue, "--json"]) == 0
    assert odd in [each["name"] for each in json.loads(capsys.readouterr().out)["destinations"]]
