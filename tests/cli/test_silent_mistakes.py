"""Mistakes that Alloy loads silently: `validate` and `run` warn about each at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.cli.main import main
from alloypy.lang.server_urls import appended_path, url_fault
from tests.support.running import Running, free_port

LEVEL = "--stability.level=public-preview"
VARIABLES = """pyroscope.receive_http "r" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = PORT
  }
  forward_to = [pyroscope.write.w.receiver]
}
pyroscope.write "w" {
  endpoint {
    url = "http://" + sys.env("A_HOST") + ":4040"
    basic_auth {
      username = sys.env("A_USER")
      password = sys.env("A_PASSWORD")
    }
  }
  external_labels = {
    region = sys.env("A_REGION"),
    zone   = coalesce(sys.env("A_ZONE"), "a"),
  }
}
"""
MISSING = [
    ("A_HOST", "url", "10:23"),
    ("A_USER", "username", "12:18"),
    ("A_REGION", "external_labels.region", "17:14"),
]


def written(folder: Path, urls: list[str]) -> list[str]:
    """A configuration with an endpoint for each URL; the lines of them."""
    endpoints = "".join(f'  endpoint {{\n    url = "{url}"\n  }}\n' for url in urls)
    receiver = f"""pyroscope.receive_http "r" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {free_port()}
  }}
  forward_to = [pyroscope.write.w.receiver]
}}
"""
    (folder / "config.alloy").write_text(f'{receiver}pyroscope.write "w" {{\n{endpoints}}}\n')
    return [str(10 + 3 * index) for index in range(len(urls))]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://h:4040", ""),
        ("https://:4040", ""),
        ("http://h:65535/base/", ""),
        ("http://[::1]:4040", ""),
        ("http://u:p@h", ""),
        ("HTTP://h", ""),
        ("http://h:65536", "there is no port 65536"),
        ("http://h:99999/x", "there is no port 99999"),
        ("http://h:0", "there is no port 0"),
        ("http://", "it has no host"),
        ("http:///x", "it has no host"),
        ("", "it is empty"),
        ("h:4040", "it does not begin with http:// or https://"),
        ("h", "it does not begin with http:// or https://"),
        ("ftp://h", "it does not begin with http:// or https://"),
        ("http://h:x", 'parse "http://h:x": invalid port ":x" after host'),
    ],
)
def test_why_nothing_can_be_asked_at_a_url(url: str, fault: str) -> None:
    assert url_fault(url) == fault


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://h/ingest", "/ingest"),
        ("http://h/base/ingest/?x=1", "/ingest"),
        ("http://h/push.v1.PusherService/Push", "/push.v1.PusherService/Push"),
        ("http://h/ingestion", ""),
        ("http://ingest", ""),
        ("http://h/ingest/x", ""),
    ],
)
def test_a_path_that_is_added_anyway(url: str, path: str) -> None:
    assert appended_path(url) == path


def test_urls_that_load_and_cannot_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = ["http://me:hunter2@h:4040/ingest", "http://me:hunter2@h:99999", "pyroscope:4040"]
    lines = written(tmp_path, [*wrong, "https://:4040"])
    assert main(["validate", "config.alloy"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Warning: ")]
    assert [line.split(":")[2] for line in told] == lines[:3]
    assert main(["validate", "--strict", "config.alloy"]) == 1
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        running.wait_until_ready()
        assert running.stop() == 0
    logged = [line for line in running.log if "the URL of an endpoint" in line]
    assert ["/ingest, which is added to it anyway" in logged[0], len(logged)] == [True, 3]
    assert 'endpoint=http://me:xxxxx@h:99999 err="there is no port 99999"' in logged[1]
    assert "endpoint=pyroscope:4040" in logged[2]
    assert all("component_id=pyroscope.write.w" in line for line in logged)
    assert "hunter2" not in running.text


def test_what_goes_nowhere_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.alloy").write_text(
        'pyroscope.receive_http "a" {\n  forward_to = []\n}\n'
        'pyroscope.relabel "b" {\n  forward_to = [pyroscope.write.c.receiver]\n}\n'
        'pyroscope.write "c" {\n  external_labels = {a = "b"}\n}\n'
    )
    assert main(["validate", "config.alloy"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "is lost" in line]
    assert told == [
        "Warning: config.alloy:2:3: forward_to is empty: what pyroscope.receive_http.a receives is lost",
        "Warning: config.alloy:7:1: pyroscope.write.c has no endpoint: what it receives is lost",
    ]


def test_a_queue_in_kafka_and_one_that_still_delivers_lose_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kafka = '  kafka {\n    brokers = ["kafka:9092"]\n    topic = "profiles"\n  }\n'
    (tmp_path / "config.alloy").write_text(
        'alloypy.queue "stores" {\n  forward_to = []\n' + kafka + "}\n"
        'pyroscope.receive_http "a" {\n  forward_to = [alloypy.queue.stores.receiver]\n}\n'
        'alloypy.queue "delivers" {\n  forward_to = [pyroscope.write.c.receiver]\n' + kafka + "}\n"
        'alloypy.queue "turned_off" {\n  forward_to = [pyroscope.write.c.receiver]\n}\n'
        'local.file "unused" {\n  filename = "a"\n}\n'
        'pyroscope.write "c" {\n  endpoint {\n    url = "http://pyroscope:4040"\n  }\n}\n'
    )
    assert main(["validate", "--for", "alloypy", "--stability.level=experimental", "config.alloy"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Warning")]
    assert [line.partition(": config.alloy:")[2].partition(": ")[2] for line in told] == [
        "nothing uses local.file.unused"
    ]


def test_variables_that_are_not_set_are_named_by_run(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(VARIABLES.replace("PORT", str(free_port())))
    with Running([LEVEL, "config.alloy"], tmp_path, {"A_PASSWORD": "hunter2"}) as running:
        running.wait_until_ready()
        assert running.get("/-/reload", "POST").status == 200
        assert running.stop() == 0
    told = [
        line.partition("is not set")[2] for line in running.log if "environment variable is not set" in line
    ]
    expected = [f'" variable={name} setting={setting} at=config.alloy:{at}' for name, setting, at in MISSING]
    assert told == expected * 2


def test_validate_names_variables_where_it_knows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.alloy").write_text(VARIABLES.replace("PORT", "9999"))
    (tmp_path / "env").write_text("A_PASSWORD=hunter2\nA_HOST=\n")
    for more in ([], ["--env=A_HOST=h"]):
        assert (main(["validate", "--strict", *more, "config.alloy"]), *capsys.readouterr()) == (0, "", "")
    assert main(["validate", "--env-file=env", "config.alloy"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "environment variable" in line]
    assert told == [
        f"Warning: config.alloy:{at}: {setting} needs the environment variable {name}, which is not set"
        for name, setting, at in MISSING
    ]
    monkeypatch.setenv("A_HOST", "h")
    assert main(["validate", "--env-file=env", "--env=A_HOST=h", "--env=A_USER=u", "config.alloy"]) == 0
    assert capsys.readouterr().err.count("needs the environment variable") == 1
