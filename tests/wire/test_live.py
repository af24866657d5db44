"""Live profiles as viewers see them: a real process, real sockets."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import re
import socket
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.push_messages import protobuf_of
from tests.support.recorder import Recorder
from tests.support.running import Running, free_port
from tests.support.viewing import LIVE, Viewing, viewing
from tests.support.waiting import wait_until

CONFIG = """
livedebugging {
  enabled = true
}
pyroscope.receive_http "in" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }
  forward_to = [inner.i.receiver]
}
declare "inner" {
  pyroscope.relabel "r" {
    rule {
      source_labels = ["env"]
      target_label  = "stage"
    }
    rule {
      source_labels = ["env"]
      regex         = "dev"
      action        = "drop"
    }
    forward_to = [pyroscope.write.good.receiver, pyroscope.write.bad.receiver]
  }
  pyroscope.write "good" {
    endpoint {
      url = "http://user:hush@GOOD/?token=hush"
      headers = { "Authorization" = "Bearer hush" }
    }
  }
  pyroscope.write "bad" {
    endpoint {
      url                 = "http://BAD"
      min_backoff_period  = "1ms"
      max_backoff_period  = "1ms"
      max_backoff_retries = 2
    }
  }
  export "receiver" {
    value = pyroscope.relabel.r.receiver
  }
}
inner "i" { }
pyroscope.receive_http "quick" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = QUICK
  }
  forward_to = []
}
"""
RELABEL = "inner.i/pyroscope.relabel.r"
GOOD = "inner.i/pyroscope.write.good"
BAD = "inner.i/pyroscope.write.bad"
FLAGS = ("--stability.level=public-preview", "config.alloy")
FULL = "store <b>full</b>"


class Live(NamedTuple):
    """A process with live debugging, where its profiles enter, and where its configuration is.

    quick: the port of a receiver that passes nothing on.
    """

    running: Running
    port: int
    quick: int
    folder: Path

    def ingest(self, labels: str = "", body: bytes = b"raw") -> None:
        """Send a profile of the application `app`."""
        self._post(self.port, f"/ingest?{urllib.parse.urlencode({'name': f'app{{{labels}}}'})}", body)

    def push(self, *series: tuple[list[tuple[str, str]], list[tuple[bytes, str]]]) -> None:
        """Send profiles that are only received."""
        message = protobuf_of(list(series)).SerializeToString()
        self._post(self.quick, "/push.v1.PusherService/Push", message)

    def _post(self, port: int, target: str, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", target, body, {"Content-Type": "application/proto"})
        assert connection.getresponse().status in (200, 503)
        connection.close()

    def viewing(self, **parameters: str) -> Any:
        return viewing(self.running.address, **parameters)

    def body(self, name: str) -> tuple[int, bytes]:
        """A profile that is held."""
        connection = http.client.HTTPConnection(self.running.address, timeout=60)
        connection.request("GET", f"{LIVE}/bodies/{name}")
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def reload(self, text: str) -> None:
        (self.folder / "config.alloy").write_text(text)
        assert self.running.get("/-/reload", "POST").text == "config reloaded\n"

    @property
    def text(self) -> str:
        return (self.folder / "config.alloy").read_text()


@contextmanager
def start(folder: Path) -> Iterator[Live]:
    port, quick = free_port(), free_port()
    with Recorder() as good, Recorder(status=503, content=FULL.encode()) as bad:
        text = CONFIG
        places = {"RECV": port, "QUICK": quick, "GOOD": good.address, "BAD": bad.address}
        for name, place in places.items():
            text = text.replace(name, str(place))
        (folder / "config.alloy").write_text(text)
        with Running(FLAGS, folder, watchdog=True) as running:
            yield Live(running.wait_until_ready(), port, quick, folder)
            assert not [line for line in running.log if "traceback" in line or "handler failed" in line]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with start(tmp_path_factory.mktemp("live")) as started:
        yield started
        assert started.running.stop() == 0


def kinds(rows: list[dict[str, Any]]) -> set[str]:
    return {row["verdict"] for row in rows}


def named(rows: list[dict[str, Any]], verdict: str) -> dict[str, Any]:
    return next(row for row in rows if row["verdict"] == verdict)


def test_every_verdict_is_shown(live: Live) -> None:
    with live.viewing() as viewer:
        assert viewer.headers["content-type"].startswith("text/event-stream")
        live.ingest("env=prod,secret=<i>x</i>")
        live.ingest("env=dev")
        rows = viewer.until(lambda rows: len(rows) == 6)
    assert [*map(int, sorted({row["id"] for row in rows}))] == [*range(rows[0]["id"], rows[0]["id"] + 6)]
    before = {"__name__": "app", "env": "prod", "secret": "<i>x</i>", "service_name": "app"}
    after = {**before, "stage": "prod"}
    received, relabelled, dropped, sent, failed = (
        named(rows, each) for each in ("received", "relabelled", "dropped", "sent", "failed")
    )
    assert (received["component"], received["labels"], received["size"]) == (
        "pyroscope.receive_http.in",
        before,
        3,
    )
    assert (relabelled["component"], relabelled["before"], relabelled["labels"]) == (RELABEL, before, after)
    assert (dropped["component"], dropped["rule"]) == (RELABEL, 2)
    assert dropped["reason"] == 'source_labels = ["env"], regex = "dev", action = "drop"'
    assert (sent["component"], sent["labels"], sent["status"], sent["tries"]) == (GOOD, after, 200, 1)
    assert sent["endpoint"].startswith("http://user:xxxxx@127.0.0.1:")
    assert 0 < sent["seconds"] < 60
    assert (failed["component"], failed["status"], failed["tries"]) == (BAD, 503, 2)
    assert FULL in failed["reason"]
    assert "hush" not in json.dumps(rows)
    assert abs(received["at"] - sent["at"]) < 60


def test_labels_and_verdicts_select(live: Live) -> None:
    with (
        live.viewing(match='{env=~"d.*", service_name!="x"}') as of_dev,
        live.viewing(match='stage="prod"', show="relabelled,failed") as of_prod,
        live.viewing(component=GOOD) as of_one,
        live.viewing(show="none") as resting,
    ):
        live.ingest("env=prod")
        live.ingest("env=dev")
        assert kinds(of_dev.until(lambda rows: len(rows) == 2)) == {"received", "dropped"}
        assert kinds(of_prod.until(lambda rows: len(rows) == 2)) == {"relabelled", "failed"}
        assert kinds(of_one.until(lambda rows: rows)) == {"sent"}
        assert (of_dev.counts["seen"], of_prod.counts["seen"], of_one.counts["seen"]) == (2, 2, 1)
        assert resting.counts["seen"] == 0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("match={env", 'expected "}" at the end'),
        ("match=env%3D", "expected a condition such as"),
        ('match=env%3D~"("', "env: error parsing regexp: missing closing )"),
        (
            "show=lost",
            "expected some of received, relabelled, dropped, queued, dead_letter, sent, failed, or none",
        ),
        ("match=" + ",".join(['a="b"'] * 40), "more than 32 conditions"),
        ("match=" + "a" * 5000, "longer than 4096 characters"),
        ('match=a="\\d"', "write backslashes twice, or use backquotes"),
    ],
)
def test_a_wrong_selection_is_refused_with_what_was_expected(live: Live, query: str, words: str) -> None:
    reply = live.running.get(f"{LIVE}?{urllib.parse.quote(query, safe='=&%')}")
    assert reply.status == 400
    assert words in reply.text


def test_many_profiles_are_sampled_evenly_with_honest_counts(live: Live) -> None:
    """One Push has 300 series, of which 64 are published: the others are counted as missed."""
    series = [([("service_name", "many"), ("n", str(number))], [(b"p", "")]) for number in range(300)]
    with live.viewing(show="received", match='service_name="many"') as viewer:
        live.push(*series)
        viewer.until(lambda rows: rows)
        assert viewer.counts["shown"] == len(viewer.rows) == 50
        assert viewer.counts["seen"] == 64
        assert viewer.counts["missed"] >= 236
    numbers = [int(row["labels"]["n"]) for row in viewer.rows]
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    assert steps == {1, 2}


def test_profiles_are_held_while_somebody_looks(live: Live) -> None:
    with live.viewing(show="received,sent") as viewer:
        live.ingest("n=1", b"\x1f\x8bfirst")
        first, again = viewer.until(lambda rows: len(rows) == 2)
        assert first["body"] == again["body"]
        assert live.body(first["body"]) == (200, b"\x1f\x8bfirst")
        live.push(([("service_name", "two")], [(b"one", ""), (b"two", "")]))
        both = viewer.until(lambda rows: len(rows) == 3)[2]
        assert [live.body(name)[1] for name in both["bodies"]] == [b"one", b"two"]
        with live.viewing(show="none"):
            pass
        assert live.body(first["body"])[0] == 200
    wait_until(lambda: live.body(first["body"])[0] == 404)


def test_a_profile_is_downloaded_as_a_file(live: Live) -> None:
    with live.viewing(show="received") as viewer:
        live.ingest("n=1", b"<script>")
        (row,) = viewer.until(lambda rows: rows)
        connection = http.client.HTTPConnection(live.running.address, timeout=60)
        connection.request("GET", f"{LIVE}/bodies/{row['body']}")
        answer = connection.getresponse()
        assert answer.read() == b"<script>"
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] == f'attachment; filename="{row["body"]}.profile"'
        assert json.loads(answer.headers["x-alloypy-profile"] or "")["labels"] == row["labels"]
        connection.close()


def test_at_most_64_profiles_are_held(live: Live) -> None:
    with live.viewing(show="received") as viewer:
        for batch in (range(35), range(35, 70)):
            live.push(*(([("service_name", "s")], [(b"%d" % number, "")]) for number in batch))
            viewer.until(lambda rows, wanted=batch.stop: len(rows) == wanted)
        rows = viewer.rows
        held = [row for row in rows if live.body(row["body"])[0] == 200]
        assert held == rows[-64:]
        oldest = int(held[0]["body"].partition("-")[2])
        assert viewer.counts["first"] == oldest


def test_large_profiles_are_shown_without_being_held(live: Live) -> None:
    with live.viewing(show="received") as viewer:
        live.ingest("n=1", bytes((8 << 20) + 1))
        (row,) = viewer.until(lambda rows: rows)
        assert (row["size"], row["body"]) == ((8 << 20) + 1, None)


def test_a_viewer_that_does_not_read_holds_up_nobody(live: Live) -> None:
    with socket.create_connection(_place(live.running)) as stalled, live.viewing(show="received") as viewer:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        stalled.sendall(f"GET {LIVE} HTTP/1.1\r\nHost: {live.running.address}\r\n\r\n".encode())
        labels = [(f"l{number}", "x" * 400) for number in range(50)]
        for turn in range(1, 9):  # 1 MB each
            live.push(*(([("service_name", "s"), *labels], [(b"p", "")]) for _ in range(50)))
            viewer.until(lambda rows, wanted=50 * turn: len(rows) == wanted)
        assert viewer.counts["shown"] == viewer.counts["seen"] == 400


def test_payloads_arrive_as_text(live: Live) -> None:
    payload = "</script><img src=x onerror=alert(1)>\"'|;|\n\ndata: {}\x00é"
    with live.viewing(show="received") as viewer:
        live.push(([("service_name", payload)], [(b"p", "")]))
        (row,) = viewer.until(lambda rows: rows)
        assert row["labels"]["service_name"] == payload
    page = live.running.get(f"/live?match={urllib.parse.quote(payload)}")
    assert page.status == 200
    assert "<img" not in page.text


def test_very_large_labels_are_cut(live: Live) -> None:
    many = [(f"l{number:03}", "v") for number in range(100)]
    with live.viewing(show="received") as viewer:
        live.push(([("a", "x" * 100_000), ("service_name", "s"), *many], [(b"p", "")]))
        (row,) = viewer.until(lambda rows: rows)
    assert row["labels"]["a"].endswith("... (100000 characters)")
    assert len(row["labels"]) == 65
    assert row["labels"]["..."] == "38 more labels"
    assert len(json.dumps(row)) < 5000


# Alloy's streams


def test_alloys_stream_of_a_component_shows_lines(live: Live) -> None:
    with (
        viewing(live.running.address, f"/api/v0/web/debug/{RELABEL}") as relabel,
        viewing(live.running.address, f"/api/v0/web/debug/{BAD}", sampleProb="1.0") as bad,
        viewing(live.running.address, f"/api/v0/web/debug/{GOOD}", sampleProb="0") as silent,
    ):
        live.ingest("env=prod")
        live.ingest("env=dev")
        prod = '{__name__="app", env="prod", service_name="app"'
        assert relabel.item() == f'profile: {prod}}} => {prod}, stage="prod"}}'
        assert (
            relabel.item()
            == 'profile: {__name__="app", env="dev", service_name="app"} => <dropped by rule 2>'
        )
        line = bad.item()
        assert line.startswith(f'profile: labels={prod}, stage="prod"}}, size=3, endpoint=http://127.0.0.1:')
        assert re.search(r", status=503, duration=\d\.\d{3}s, tries=2, failed: ", line)
        assert silent.headers["content-type"] == "text/plain; charset=utf-8"


def test_alloys_stream_of_rates_counts_what_goes_on(live: Live) -> None:
    address = live.running.address
    with (
        viewing(address, "/api/v0/web/graph", window="1") as root,
        viewing(address, "/api/v0/web/graph/inner.i", window="1") as inner,
    ):
        live.ingest("env=prod")
        live.ingest("env=dev")
        first = next(items for items in iter(lambda: json.loads(root.item()), None) if items)
        assert {each["componentID"] for each in first} == {"pyroscope.receive_http.in"}
        assert list(first[0]) == ["componentID", "targetComponentIDs", "type", "rate"]
        assert (first[0]["targetComponentIDs"], first[0]["type"]) == (None, "pyroscope_profile")
        counted: dict[str, float] = {}
        while counted.keys() != {RELABEL, GOOD, BAD}:
            for each in json.loads(inner.item()):
                counted[each["componentID"]] = counted.get(each["componentID"], 0) + each["rate"]
    assert counted == {RELABEL: 1, GOOD: 1, BAD: 0}


def test_what_cannot_be_streamed_is_refused(live: Live) -> None:
    running = live.running
    assert running.get(f"/api/v0/web/debug/{GOOD}?sampleProb=2").status == 400
    assert running.get("/api/v0/web/graph/nope") == (500, "module not found\n")
    assert "does not support live debugging" in running.get("/api/v0/web/debug/inner.i").text
    assert running.get("/api/v0/web/debug/inner.i/nope") == (500, "component not found\n")
    with socket.create_connection(_place(running)) as old:
        old.sendall(f"GET {LIVE} HTTP/1.0\r\n\r\n".encode())
        assert b" 505 " in old.recv(1000)


def test_there_is_room_for_32_viewers(live: Live) -> None:
    with ExitStack() as stack:
        for _ in range(32):
            wait_until(lambda: _joins(live, stack))
        assert live.running.get(LIVE).status == 503
        assert live.running.get(f"/api/v0/web/debug/{GOOD}").status == 503
    with ExitStack() as stack:
        wait_until(lambda: _joins(live, stack))


def _joins(live: Live, stack: ExitStack) -> bool:
    """Open one more view; whether there was room, as a view that has been closed may still be leaving."""
    try:
        stack.enter_context(live.viewing(show="none"))
    except AssertionError:
        return False
    return True


def test_pages_of_others_get_nothing(live: Live) -> None:
    for path in ("/live", LIVE, f"{LIVE}/bodies/1"):
        assert live.running.get(path, headers={"Host": "evil.example"}).status == 403
        assert live.running.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
        assert live.running.get(path, "POST").status == 405


# Switched on and off


def test_a_reload_switches_it_off_and_on_while_viewers_look(live: Live) -> None:
    text = live.text
    off = text.replace("enabled = true", "enabled = false")
    address = live.running.address
    with (
        live.viewing() as viewer,
        viewing(address, f"/api/v0/web/debug/{RELABEL}") as lines,
        viewing(address, "/api/v0/web/graph", window="1") as rates,
    ):
        live.ingest("env=prod", b"held")
        body = viewer.until(lambda rows: rows)[0]["body"]
        assert "prod" in lines.item()
        live.reload(off)
        assert viewer.ended()
        assert viewer.off
        assert live.body(body)[0] == 404
        told = live.running.get(LIVE)
        assert (told.status, told.text.split("\n")[0]) == (200, "event: off")
        assert "livedebugging { enabled = true }" in told.text
        assert "is disabled" in live.running.get(f"/api/v0/web/debug/{GOOD}").text
        page = live.running.get("/live")
        assert (page.status, "hidden>" in page.text.partition("Switch it on")[0]) == (200, False)
        live.ingest("env=prod")
        live.reload(text)
        with live.viewing() as next_one:
            live.ingest("env=dev")
            assert kinds(next_one.until(lambda rows: len(rows) == 2)) == {"received", "dropped"}
        assert "dev" in lines.item()
        while not json.loads(rates.item()):
            pass


AUTH = """
http {
  auth {
    basic {
      username = "u"
      password = "p"
    }
%s  }
}
"""
LETS_LIVE_THROUGH = """
    filter {
      paths                       = ["/live", "/api"]
      authenticate_matching_paths = false
    }
"""


def test_others_see_profiles_only_with_credentials(tmp_path: Path) -> None:
    config = tmp_path / "config.alloy"
    config.write_text('livedebugging {\n  enabled = true\n}\npyroscope.write "w" { }\n')
    text = config.read_text()
    port = free_port()
    with Running([f"--server.http.listen-addr=0.0.0.0:{port}", "config.alloy"], tmp_path) as running:
        running.address = f"127.0.0.1:{port}"
        running.wait_until_ready()
        debug = "/api/v0/web/debug/pyroscope.write.w"

        def refused() -> None:
            for path in ("/live", LIVE, f"{LIVE}/bodies/1", debug):
                reply = running.get(path, headers=credentials)
                assert reply.status == 403, path
                assert "credentials" in reply.text
            with viewing(running.address, "/api/v0/web/graph", window="1") as rates:
                assert rates.item() == "[]"

        def reload(block: str) -> None:
            config.write_text(text + block)
            reply = running.get("/-/reload", "POST", headers=credentials)
            assert reply.text == "config reloaded\n"

        credentials: dict[str, str] = {}
        refused()
        assert "<h1>Live profiles need a sign-in</h1>" in running.get("/live").text
        reload(AUTH % "")
        assert running.get("/live").status == running.get(LIVE).status == running.get(debug).status == 401
        credentials["Authorization"] = f"Basic {base64.b64encode(b'u:p').decode()}"
        assert running.get("/live", headers=credentials).status == 200
        assert running.get(f"{LIVE}/bodies/1", headers=credentials).status == 404
        assert running.get(LIVE, "HEAD", headers=credentials).status == 200
        reload(AUTH % LETS_LIVE_THROUGH)
        refused()
        assert running.stop() == 0


def test_a_stop_does_not_wait_for_viewers(tmp_path: Path) -> None:
    """Neither for those that read nor for one that does not; they see the end of their streams."""
    with start(tmp_path) as here, ExitStack() as stack:
        running = here.running
        viewers = [stack.enter_context(here.viewing()) for _ in range(3)]
        lines = stack.enter_context(viewing(running.address, f"/api/v0/web/debug/{RELABEL}"))
        rates = stack.enter_context(viewing(running.address, "/api/v0/web/graph", window="60"))
        stalled = stack.enter_context(socket.create_connection(_place(running)))
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        stalled.sendall(f"GET {LIVE} HTTP/1.1\r\nHost: x.localhost\r\n\r\n".encode())
        here.ingest("env=prod")
        viewers[0].until(lambda rows: rows)
        assert running.stop() == 0
        assert all(viewer.ended() and not viewer.off for viewer in viewers)
        assert _rest(lines).endswith("|;|")
        assert _rest(rates) == ""
        assert "handler failed" not in running.text


def _place(running: Running) -> tuple[str, int]:
    host, _, port = running.address.partition(":")
    return host, int(port)


def _rest(stream: Viewing) -> str:
    return stream._answer.read().decode()
