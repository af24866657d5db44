"""`alloypy queue`: what it shows of a queue and how it changes one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from alloypy.cli.main import main
from alloypy.components.own.delivering.messages import ingest_message, push_message
from alloypy.profiles.model import IngestProfile, RawSample, Series
from alloypy.queueing.errors import QueueError
from alloypy.queueing.log import Log
from alloypy.queueing.settings import LogSettings
from alloypy.syntax.letters import quote
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from tests.cli.test_view_command import get, viewing
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="queues need file locks")

SETTINGS = LogSettings(min_free=0)
EU, US = "pyroscope.write.eu", "pyroscope.write.us"
PROFILE = b"\x0a\x04\x08\x01\x10\x02"


def labels(number: int) -> dict[str, str]:
    return {"service_name": "shop", "pod": f'a"{number}'}


async def fill(path: Path) -> None:
    """Five profiles: for EU 1 is delivered, 2 and 3 are dead letters, 4 and 5 wait; for US all wait."""
    log = await Log.open(str(path), settings=SETTINGS, destinations=[EU, US])
    for number in range(1, 5):
        ingest = IngestProfile(
            [b"profile-", b"%d" % number],
            labels(number),
            "/ingest",
            "name=shop&from=1&until=2",
            ("text/plain",),
            "",
            [("X-Key", "hush")],
        )
        message = ingest_message(ingest, 1)
        await log.put(message.meta, message.body)
    series = Series(labels(5), [RawSample(PROFILE, "one"), RawSample(PROFILE, "two")])
    message = push_message(series, [], 1_000)
    await log.put(message.meta, message.body)
    cursor = log.cursor(EU)
    records = [await cursor.next() for _ in range(3)]
    cursor.done(records[0].place)
    for record in records[1:]:
        await cursor.dead(record.place, "refused", "no\nroom")
    await log.close()


@pytest.fixture
def queue(tmp_path: Path) -> str:
    path = tmp_path / "queue"
    asyncio.run(fill(path))
    return str(path)


def listed(queue: str, capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert main(["queue", "ls", queue, "--json", *flags]) == 0
    data = json.loads(capsys.readouterr().out)
    for each in data["destinations"]:
        dropped = sum(each["dropped"].values())
        assert each["stored"] == each["delivered"] + dropped + each["dead_letters"] + each["waiting"] == 5
    return {each["name"]: each for each in data["destinations"]}


def contents(queue: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path(queue).rglob("*") if path.is_file()}


def test_what_waits_is_listed_and_nothing_is_changed(queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(queue)
    found = listed(queue, capsys, "--records=10")
    assert [found[EU][name] for name in ("waiting", "dead_letters", "delivered")] == [2, 2, 1]
    assert [found[US][name] for name in ("waiting", "dead_letters", "delivered")] == [5, 0, 0]
    assert found[EU]["oldest"].startswith("20")
    rows = [(row["number"], row["state"], row.get("words")) for row in found[EU]["records"]]
    dead = [(number, "dead letter", "no\nroom") for number in (2, 3)]
    assert rows == [(4, "waits", None), (5, "waits", None), *dead]
    assert found[EU]["records"][0]["labels"] == labels(4)
    assert main(["queue", "ls", queue, "--records=1", f"--destination={EU}"]) == 0
    text = capsys.readouterr().out
    assert "  waiting       2 (" in text
    assert "  dead letters  2 (" in text
    assert 'refused: "no room"' in text
    assert US not in text
    assert contents(queue) == before


def test_an_unfinished_record_at_the_end_of_a_file_is_not_shown(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = Path(queue, "v1").glob("*.seg")
    file.write_bytes(file.read_bytes()[: -56 - 3])  # without a footer, as a killed process leaves it
    before = contents(queue)
    assert main(["queue", "ls", queue, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [each["waiting"] for each in data["destinations"]] == [1, 4]
    assert contents(queue) == before


def test_a_record_is_shown_without_the_values_of_headers(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "show", queue, "2"]) == 0
    text = capsys.readouterr().out
    assert 'labels            {service_name="shop", pod="a\\"2"}' in text
    assert "X-Key" in text
    assert "hush" not in text
    assert f"{US:<17} waits\n" in text
    assert 'refused: "no room"' in text
    assert main(["queue", "show", queue, "1", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["destinations"] == {EU: {"state": "delivered"}, US: {"state": "waits"}}
    assert (data["kind"], data["size"], data["query"]) == ("ingest", 9, "name=shop&from=1&until=2")


def test_profiles_are_written_to_new_files(
    queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.pprof"
    assert main(["queue", "show", queue, "3", f"--output={out}"]) == 0
    assert out.read_bytes() == b"profile-3"
    assert out.stat().st_mode & 0o777 == 0o600
    assert main(["queue", "show", queue, "3", f"--output={out}"]) == 1
    assert "exists already" in capsys.readouterr().err
    push = tmp_path / "push.pprof"
    assert main(["queue", "show", queue, "5", f"--output={push}"]) == 0
    assert push.read_bytes().endswith(PROFILE)
    assert (tmp_path / "push.pprof.2").read_bytes().endswith(PROFILE)


def test_a_record_is_shown_as_flame_graph(queue: str) -> None:
    before = contents(queue)
    with viewing("show", queue, "4", "--flame", command="queue") as url:
        assert url.endswith("/flame?p=0")
        assert get(url)[0] == 200
        root = url.partition("flame")[0]
        files = json.loads(get(f"{root}api/v0/alloypy/files")[2])
        assert files == [{"id": "0", "name": "record 4", "size": 9, "format": "", "labels": labels(4)}]
        status, headers, body = get(f"{root}api/v0/alloypy/files/0")
        assert (status, body) == (200, b"profile-4")
        assert json.loads(headers["x-alloypy-profile"])["labels"] == labels(4)
    with viewing("show", queue, "5", "--flame", command="queue") as url:
        files = json.loads(get(f"{url}api/v0/alloypy/files")[2])
        assert [each["name"] for each in files] == ["record 5, profile 1", "record 5, profile 2"]
        assert {each["format"] for each in files} == {"pprof"}
        assert get(f"{url}api/v0/alloypy/files/1")[2].endswith(PROFILE)
    assert contents(queue) == before


def test_dead_letters_wait_again(queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "replay", queue, "3"]) == 0
    assert capsys.readouterr().out == f"{EU}: 1 dead letter waits again\n"
    found = listed(queue, capsys, "--records=1")[EU]
    assert (found["waiting"], found["dead_letters"], found["records"][0]["number"]) == (3, 1, 3)
    assert main(["queue", "replay", queue]) == 0
    assert listed(queue, capsys)[EU]["waiting"] == 4
    assert main(["queue", "replay", queue]) == 0
    assert capsys.readouterr().out == "there are no dead letters\n"
    assert main(["queue", "replay", queue, f"--destination={US}"]) == 0
    assert capsys.readouterr().out == f"there are no dead letters for {US}\n"
    assert main(["queue", "replay", queue, "2"]) == 1
    assert "there are no dead letters with the number 2; " in capsys.readouterr().err


def test_what_waits_is_dropped_only_when_that_is_confirmed(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(queue)
    assert main(["queue", "drop", queue]) == 1
    assert "--yes" in capsys.readouterr().err
    assert contents(queue) == before
    assert main(["queue", "drop", queue, "--yes", "--dead-letters", "2"]) == 0
    found = listed(queue, capsys)
    assert (found[EU]["dead_letters"], found[EU]["dropped"]) == (1, {"refused": 1})
    assert main(["queue", "replay", queue]) == 0
    assert main(["queue", "drop", queue, "--yes", "3", "4", f"--destination={EU}"]) == 0
    found = listed(queue, capsys)
    assert (found[EU]["waiting"], found[EU]["dropped"]) == (1, {"refused": 1, "removed": 2})
    assert found[US]["waiting"] == 5
    assert main(["queue", "drop", queue, "--yes"]) == 0
    assert [each["waiting"] for each in listed(queue, capsys).values()] == [0, 0]
    assert not [*Path(queue).rglob("*.seg")]
    assert main(["queue", "drop", queue, "--yes"]) == 0
    assert "there are no records\n" in capsys.readouterr().out


def test_the_printed_configuration_drains_a_queue(
    queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Recorder() as sink:
        assert main(["queue", "drain", queue, f"--url={sink.url}"]) == 0
        (tmp_path / "drain.alloy").write_text(capsys.readouterr().out)
        arguments = ["--stability.level=experimental", f"--storage.path={tmp_path}", "drain.alloy"]
        with Running(arguments, tmp_path) as running:
            running.wait_until_ready()
            sink.wait_for(7)
            assert running.stop() == 0
    found = listed(queue, capsys)
    assert [each["waiting"] for each in found.values()] == [0, 0]
    assert found[EU]["dead_letters"] == 2


def test_a_queue_in_use_is_shown_and_what_is_being_delivered_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue, port = str(tmp_path / "queue"), free_port()
    silent = socket.create_server(("127.0.0.1", 0))
    (tmp_path / "config.alloy").write_text(f"""
    livedebugging {{
      enabled = true
    }}
    pyroscope.receive_http "front" {{
      http {{
        listen_address = "127.0.0.1"
        listen_port    = {port}
      }}
      forward_to = [alloypy.queue.kept.receiver]
    }}
    alloypy.queue "kept" {{
      forward_to = [pyroscope.write.out.receiver]
      disk {{
        path     = "{queue}"
        min_free = "0"
      }}
      delivery {{
        drain_timeout = "100ms"
      }}
    }}
    pyroscope.write "out" {{
      endpoint {{
        url            = "http://127.0.0.1:{silent.getsockname()[1]}"
        remote_timeout = "5m"
      }}
    }}
    """)
    arguments = ["--stability.level=experimental", f"--storage.path={tmp_path}", "config.alloy"]
    with silent, Running(arguments, tmp_path) as running:
        running.wait_until_ready()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/ingest?name=shop", b"profile")
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 200
        assert main(["queue", "ls", queue, "--json"]) == 0
        data = json.loads(capsys.readouterr().out)
        assert data["process"] == str(running.process.pid)
        assert data["destinations"][0]["waiting"] == 1
        about = json.loads(running.get("/api/v0/web/components/alloypy.queue.kept").text)
        assert about["liveDebuggingEnabled"] is True
        assert main(["queue", "replay", queue]) == 0
        assert "there are no dead letters" in capsys.readouterr().out
        assert main(["queue", "drain", queue]) == 0
        assert f"open (process {running.process.pid}), and run" in capsys.readouterr().out
        wait_until(lambda: re.search(r"\nalloypy_queue_in_flight\{.*\} 1", running.get("/metrics").text))
        assert main(["queue", "drop", queue, "--yes"]) == 1
        said = capsys.readouterr()
        assert said.out == "pyroscope.write.out: 0 deleted; 1 is being delivered and stays\n"
        assert "being delivered" in said.err
        assert main(["queue", "show", queue, "1", "--output=-"]) == 0
        assert capsys.readouterr().out == "profile"
        assert running.stop() == 0
    assert main(["queue", "drop", queue, "--yes"]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shwo", "DIR"], "unknown action shwo"),
        (["ls", "DIR"], "DIR has no queue"),
        (["ls", "missing"], "cannot read the queue missing: "),
        (["show", "DIR"], "show needs DIR and one NUMBER"),
        (["ls"], "ls needs DIR, the path of a queue"),
        (["lss"], "unknown action lss"),
        (["ls", "file"], "cannot read the queue file: it is a file, and not a directory"),
        (["show", "DIR", "-5"], "unknown shorthand flag"),
        (["replay", "DIR", "x"], "x is not the number of a record"),
        (["ls", "DIR", "--yes"], "--yes is not a flag of ls"),
        (["ls", "DIR", "3"], "ls takes no NUMBER"),
        (["ls", "DIR", "--records=-1"], "--records is a number from 0 on"),
        (["show", "DIR", "9" * 5000], "9999999999999999999... is not the number of a record"),
        (["ls", "DIR", "--flame"], "--flame is not a flag of ls"),
        (["show", "DIR", "1", "--open"], "--open is for show --flame"),
        (["show", "DIR", "1", "--flame", "--output=x"], "neither prints nor writes"),
    ],
)
def test_wrong_use_is_explained(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DIR").mkdir()
    (tmp_path / "file").touch()
    assert main(["queue", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert not [*(tmp_path / "DIR").iterdir()]


def test_a_record_or_destination_that_is_not_there_is_named(
    queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "show", queue, "99"]) == 1
    assert "no record 99: the last one is 5" in capsys.readouterr().err
    assert main(["queue", "ls", queue, "--destination=x"]) == 1
    assert f"no destination x; it has {EU}, {US}" in capsys.readouterr().err


def test_the_printed_configuration_is_read_whatever_the_path_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / os.fsdecode(b'a\nb "c" \xff \xc3\xa9 it\'s')
    asyncio.run(fill(odd))
    assert main(["queue", "drain", str(odd), '--url=http://x/"\\']) == 0
    text = capsys.readouterr().out
    file = parse_file(Source("drain.alloy", text.encode("utf-8", "surrogateescape")))
    assert len(file.body) == 3
    assert f"path     = {quote(str(odd))}\n" in text
    (command,) = re.findall(r"//   alloypy queue (ls .*)\n", text)
    shown = subprocess.run(["bash", "-c", f"printf %s {command[3:]}"], stdout=subprocess.PIPE, check=True)
    assert os.fsdecode(shown.stdout) == str(odd)


def test_output_that_cannot_be_written_is_no_fault_of_the_queue(queue: str) -> None:
    for arguments in (["ls", queue], ["show", queue, "2"], ["drain", queue], ["replay", queue]):
        command = [sys.executable, "-m", "alloypy", "queue", *arguments]
        if arguments[0] != "replay":
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
            os.close(writer)
            assert (done.returncode, done.stderr) == (0, b"")
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
        assert done.returncode == 1
        assert done.stderr == b"Error: cannot write to standard output: no space left on device\n"


def test_secrets_in_a_query_are_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def store() -> None:
        log = await Log.open(str(tmp_path), settings=SETTINGS, destinations=[EU])
        query = "apikey=hush1&name=shop&token=hush2"
        profile = IngestProfile([b"x"], labels(1), "/ingest", query, ("text/plain",), "", [])
        message = ingest_message(profile, 1)
        await log.put(message.meta, message.body)
        await log.close()

    asyncio.run(store())
    for flags in ([], ["--json"]):
        assert main(["queue", "show", str(tmp_path), "1", *flags]) == 0
        text = capsys.readouterr().out
        assert "hush" not in text
        assert "name=shop" in text


def test_a_file_in_the_place_of_the_files_of_a_queue_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "v1").write_text("")
    assert main(["queue", "ls", str(tmp_path)]) == 1
    assert f"{tmp_path}/v1 is a file, but a queue has a directory of that name" in capsys.readouterr().err
    with pytest.raises(QueueError, match="v1 is not a directory"):
        asyncio.run(Log.check(str(tmp_path)))
