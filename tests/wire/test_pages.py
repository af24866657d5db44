"""The pages of the admin server over real sockets."""

from __future__ import annotations

import base64
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.recorder import Recorder
from tests.support.running import Running, free_port
from tests.support.web_pages import PAYLOADS, Got, Page, ask, crawl

SECRET = "hush-hush"
CONFIG = """
declare "module" {
  argument "next" { }
  pyroscope.relabel "inner" {
    forward_to = [argument.next.value]
  }
  export "receiver" {
    value = pyroscope.relabel.inner.receiver
  }
}
module "m" {
  next = pyroscope.write.w.receiver
}
pyroscope.receive_http "in" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECEIVER
  }
  forward_to = [pyroscope.relabel.r.receiver, module.m.receiver]
}
pyroscope.relabel "r" {
  forward_to = [pyroscope.write.w.receiver]
  rule {
    source_labels = ["service_name"]
    regex         = "cart.*"
    action        = "drop"
  }
  rule {
    source_labels = ["service_name"]
    regex         = "check(.*)"
    target_label  = "short"
  }
}
pyroscope.write "w" {
  endpoint {
    url                 = "http://user:hush-hush@BACKEND"
    max_backoff_retries = 1
    headers             = { "X-Token" = "hush-hush" }
    basic_auth {
      username = "u"
      password = "hush-hush" // the hush-hush one
    }
  }
  external_labels = { LABELS }
}
import.string "bad" {
  content = "declare \\"x\\" { }"
}
local.file "large" {
  filename = "large.txt"
}
local.file "gone" {
  filename       = "<img src=x onerror=alert(1)>.txt"
  detector       = "poll"
  poll_frequency = "100ms"
}
"""
UNHEALTHY = {"/-/healthy": 500}
"""What links may lead to once a component is unhealthy."""
WITH_TOKEN = """pyroscope.write "w" {
  endpoint {
    url          = "http://127.0.0.1:9"
    bearer_token = "hush-hush"
  }
}
"""
PAGES = (
    "/",
    "/component/pyroscope.write.w",
    "/component/module.m/pyroscope.relabel.inner",
    "/graph",
    "/graph/module.m",
    "/modules",
    "/config",
)
OTHERS = (
    "/about",
    "/component/none",
    "/graph/none",
    "/api/v0/alloypy/components",
    "/api/v0/alloypy/states",
    "/api/v0/alloypy/graph",
    "/api/v0/alloypy/graph?as=svg",
)
VALUES = "/api/v0/alloypy/values?id=pyroscope.write.w&part=arguments"


def config(backend: str, receiver: int) -> str:
    labels = ", ".join(f'"l{at}" = {json.dumps(text)}' for at, text in enumerate(PAYLOADS))
    return CONFIG.replace("BACKEND", backend).replace("RECEIVER", str(receiver)).replace("LABELS", labels)


class Site:
    """A running alloypy with traffic. file: its configuration, which has a payload in its name."""

    def __init__(self, running: Running, file: Path, receiver: int) -> None:
        self.running = running
        self.file = file
        self.receiver = f"127.0.0.1:{receiver}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Got:
        return ask(self.running.address, path, method, b"", **headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("pages")
    directory = folder / "<img src=x onerror=alert(0)>"
    directory.mkdir()
    (folder / "large.txt").write_text("<script>alert(0)</script>" * 40_000)
    receiver = free_port()
    with Recorder() as backend:
        gone = folder / "<img src=x onerror=alert(1)>.txt"
        gone.write_text("")
        file = directory / "'onload='x.alloy"
        file.write_text(config(backend.address, receiver))
        arguments = ["--stability.level=experimental", str(directory)]
        with Running(arguments, folder, watchdog=True) as running:
            running.wait_until_ready()
            gone.unlink()
            yield Site(running, file, receiver)
            assert running.stop() == 0


@pytest.mark.parametrize("path", [*PAGES, *OTHERS, VALUES])
def test_every_answer_forbids_scripts_of_others_and_has_no_secret(site: Site, path: str) -> None:
    got = site.get(path)
    assert got.status == (404 if path.endswith("/none") else 200)
    policy = got.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["referrer-policy"] == "same-origin"
    assert got.headers["cache-control"] == "no-store"
    assert SECRET not in got.text


@pytest.mark.parametrize("path", PAGES)
def test_payloads_stay_texts(site: Site, path: str) -> None:
    page = Page(site.get(path).text)
    page.check()
    if path == "/component/pyroscope.write.w":
        assert all(payload in page.text for payload in PAYLOADS)
    if path in ("/", "/config"):
        assert any("onerror" in text for text in page.texts) or path == "/"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_in_addresses_stay_texts(site: Site, payload: str) -> None:
    encoded = quote(payload, safe="/")
    for path in (
        f"/component/{encoded}",
        f"/live?component={encoded}",
        f"/?filter={encoded}&group={encoded}&sort={encoded}",
    ):
        page = Page(site.get(path).text)
        page.check()
        if not path.startswith("/?"):
            assert payload in page.text
    assert site.get(f"/static/{encoded}").status == 404
    assert site.get(f"/api/v0/alloypy/values?id={encoded}&part={encoded}").status == 404


def test_payloads_in_health_texts_stay_texts(site: Site) -> None:
    def state() -> dict[str, str]:
        (found,) = json.loads(site.get("/api/v0/alloypy/states?id=local.file.gone").text)
        return dict(found)

    deadline = time.monotonic() + 30
    while state()["health"] == "healthy" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "<img src=x onerror=alert(1)>" in state()["message"]
    first = Page(site.get("/?group=").text)
    for page in (first, Page(site.get("/component/local.file.gone").text)):
        page.check()
        assert state()["message"] in page.text
    rows = [attributes["data-id"] for _, attributes in first.tags if "data-id" in attributes]
    assert rows[0] == "local.file.gone"  # what is unhealthy comes first
    assert "1 unhealthy" in first.text


def test_payloads_in_problems_stay_texts(site: Site) -> None:
    before = site.file.read_text()
    payload = "<script>alert(1)</script>"
    site.file.write_text(f'local.file "x" {{\n  filename = "{payload}"\n}}\n{before}')
    try:
        got = ask(site.running.address, "/config", "POST")
        assert got.status == 400
        page = Page(got.text)
        page.check()
        assert f"open {payload}: no such file" in page.text
        assert "What ran before still runs." in page.text
        page = Page(site.get("/config").text)
        page.check()
        assert "The last reload was refused" in page.text
        assert "The files differ from what runs." in page.text
        assert f'+  filename = "{payload}"' in page.text
    finally:
        site.file.write_text(before)
        assert ask(site.running.address, "/config", "POST").status == 200


def test_the_list_has_every_component_with_its_health_and_pipeline(site: Site) -> None:
    page = Page(site.get("/").text)
    rows = {attributes["data-id"]: attributes for tag, attributes in page.tags if "data-id" in attributes}
    pipeline = ["module.m", "pyroscope.receive_http.in", "pyroscope.relabel.r", "pyroscope.write.w"]
    pipeline += ["module.m/pyroscope.relabel.inner"]
    assert [name for name in rows if name in pipeline] == pipeline  # as it is written, modules last
    assert set(rows) == {*pipeline, "local.file.large", "local.file.gone"}
    pipelines = {name: attributes["data-pipeline"] for name, attributes in rows.items()}
    assert pipelines.pop("local.file.large") == pipelines.pop("local.file.gone") == "without a pipeline"
    assert set(pipelines.values()) == {"pyroscope.receive_http.in"}


def test_the_list_filters_groups_and_sorts_without_scripts(site: Site) -> None:
    page = Page(site.get("/?filter=relabel+inner&group=kind&sort=name").text)
    shown = [a["data-id"] for _, a in page.tags if "data-id" in a and "hidden" not in a]
    assert shown == ["module.m/pyroscope.relabel.inner"]
    assert "1 of 7 components" in page.text
    assert ("th", {"scope": "col", "aria-sort": "ascending"}) in page.tags
    page = Page(site.get("/?group=&sort=-name").text)
    names = [a["data-id"] for _, a in page.tags if "data-id" in a]
    assert names[0] == "pyroscope.write.w"
    assert "rowgroup" not in str(page.tags)


def test_what_passes_through_is_counted_for_components_and_rules(site: Site) -> None:
    def states() -> dict[str, dict[str, object]]:
        return {each["id"]: each for each in json.loads(site.get("/api/v0/alloypy/states").text)}

    before = states()["pyroscope.relabel.r"]["counts"]
    for name in ("checkout", "cart-1", "checkin", "checkout"):
        got = ask(site.receiver, f"/ingest?name={name}&from=1&until=2", "POST", b"main;a 1\n")
        assert got.status == 200
    time.sleep(1.1)
    after = states()
    counts, rates = after["pyroscope.relabel.r"]["counts"], after["pyroscope.relabel.r"]["rates"]
    assert isinstance(counts, dict) and isinstance(before, dict) and isinstance(rates, list)
    assert {key: counts[key] - before[key] for key in ("entered", "left", "lost")} == {
        "entered": 4,
        "left": 3,
        "lost": 1,
    }
    assert all(rate > 0 for rate in rates)
    assert after["pyroscope.receive_http.in"]["counts"] == {
        "of": "requests",
        "entered": 4,
        "left": 4,
        "lost": 0,
    }
    assert after["module.m"]["counts"] is None
    text = site.get("/component/pyroscope.relabel.r").text
    rules = re.findall(r"<tr><td[^>]*>(\d)</td><td>(\w+)</td>.*?(\d+)</td><td[^>]*>(\d+)</td></tr>", text)
    assert rules == [("1", "drop", "1", "1"), ("2", "replace", "3", "0")]
    assert re.search(
        r"<td>http://user:xxxxx@[^<]+</td><td[^>]*>7</td>", site.get("/component/pyroscope.write.w").text
    )


def test_a_component_tells_its_place_and_neighbours(site: Site) -> None:
    page = Page(site.get("/component/pyroscope.relabel.r").text)
    line = site.file.read_text().partition('pyroscope.relabel "r"')[0].count("\n") + 1
    assert f"{site.file}:{line}:1" in page.text
    assert "component/pyroscope.receive_http.in" in page.links
    assert "component/pyroscope.write.w" in page.links
    assert "graph#pyroscope.relabel.r" in page.links
    assert "live?component=pyroscope.relabel.r" in page.links
    inner = Page(site.get("/component/module.m/pyroscope.relabel.inner").text)
    assert "graph/module.m#module.m/pyroscope.relabel.inner" in inner.links
    source = Page(site.get("/config").text)
    places = [link.partition("#")[2] for link in page.links if link.startswith("config#")]
    assert places == [quote(f"{site.file}:{line}", errors="replace")]
    assert any(a.get("id") == f"{site.file}:{line}" for _, a in source.tags)


def test_a_table_wider_than_the_window_scrolls_by_itself(site: Site) -> None:
    for path in ("/component/pyroscope.relabel.r", "/component/pyroscope.write.w"):
        text = site.get(path).text
        tables = re.findall(r"<table\b", text)
        assert tables
        assert len(re.findall(r'<div class="scroll"[^>]*><table\b', text)) == len(tables)


def test_large_values_are_downloaded(site: Site) -> None:
    page = Page(site.get("/component/local.file.large").text)
    assert len(site.get("/component/local.file.large").body) < 20_000
    (download,) = [link for link in page.links if "part=exports" in link and "as=html" not in link]
    got = site.get(f"/{download}")
    assert got.headers["content-disposition"] == 'attachment; filename="local.file.large-exports.json"'
    (export,) = json.loads(got.text)
    assert export["value"]["value"] == f'"{"<script>alert(0)</script>" * 40_000}"'
    beginning = Page(site.get(f"/{download}&as=html").text)
    beginning.check()
    assert "1,000,002 characters" in beginning.text


def test_only_what_is_sent_with_post_changes_something(site: Site) -> None:
    def loaded() -> float:
        return site.running.metric("alloy_config_last_load_success_timestamp_seconds")

    before = loaded()
    for path in (*PAGES, *OTHERS, VALUES):
        assert site.get(path, "HEAD").body == b""
        assert site.get(path).status in (200, 404)
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", *(() if path == "/config" else ("POST",))):
            assert site.get(path, method).status == 405
    assert loaded() == before
    own = f"http://{site.running.address}"
    page = Page(site.get("/config", "POST", Origin=own, Sec_Fetch_Site="same-origin").text)
    assert "Reloaded." in page.text
    assert loaded() > before


@pytest.mark.parametrize("path", [*PAGES, *OTHERS, VALUES, "/static/x/app.css", "/flame"])
def test_pages_are_guarded(site: Site, path: str) -> None:
    assert site.get(path, Host="evil.example").status == 403
    assert site.get(path, Origin="http://evil.example").status == 403
    assert site.get(path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403


@pytest.mark.parametrize(("path", "allowed"), [("/graph", "GET, HEAD"), ("/config", "GET, HEAD, POST")])
def test_a_method_that_is_not_taken_is_answered_with_those_that_are(
    site: Site, path: str, allowed: str
) -> None:
    answer = site.get(path, "DELETE")
    assert (answer.status, answer.headers.get("allow")) == (405, allowed)


def test_other_origins_cannot_reload(site: Site) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}):
        assert site.get("/config", "POST", **headers).status == 403


def test_static_files_may_be_kept_forever_at_their_address(site: Site) -> None:
    page = Page(site.get("/").text)
    (style,) = [link for link in page.links if link.endswith("app.css")]
    got = site.get(f"/{style}")
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert got.headers["content-type"] == "text/css; charset=utf-8"
    assert site.get(f"/{style}", If_None_Match=got.headers["etag"]).status == 304
    assert site.get("/static/0/app.css").headers["cache-control"] == "no-cache"
    for name in ("nothing.js", "../shell.py", "%2e%2e/shell.py", "x/../app.css", ""):
        assert site.get(f"/static/0/{name}").status == 404


def test_every_link_works(site: Site) -> None:
    found = crawl(site.running.address, "/")
    assert {path: got.status for path, got in found.items() if got.status != 200} in ({}, UNHEALTHY)
    assert {"/modules", "/config", "/about", "/component/module.m"} <= found.keys()
    for got in found.values():
        if got.headers["content-type"].startswith("text/html"):
            Page(got.text).check()


class Proxy:
    """A reverse proxy: serves below `outside` what the server has below `inside`, and nothing else."""

    def __init__(self, server: str, outside: str, inside: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not self.path.startswith(outside):
                    self.send_error(418)
                    return
                got = ask(server, inside + self.path.removeprefix(outside))
                self.send_response(got.status)
                for name in ("content-type", "location"):
                    if name in got.headers:
                        self.send_header(name, got.headers[name])
                self.send_header("content-length", str(len(got.body)))
                self.end_headers()
                self.wfile.write(got.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a prefix that asks for credentials below it, but not for its static files."""
    folder = tmp_path_factory.mktemp("prefixed")
    (folder / "config.alloy").write_text(config("127.0.0.1:9", free_port()))
    (folder / "large.txt").write_text("x")
    (folder / "<img src=x onerror=alert(1)>.txt").write_text("")
    arguments = ["--stability.level=experimental", "--server.http.ui-path-prefix=/a/b/", "config.alloy"]
    with Running(arguments, folder) as running:
        yield running.wait_until_ready()
        assert running.stop() == 0


def test_every_link_stays_below_the_prefix(prefixed: Running) -> None:
    got = ask(prefixed.address, "/a/b")
    assert (got.status, got.headers["location"]) == (302, "/a/b/")
    found = crawl(prefixed.address, "/a/b/")
    assert {path: got.status for path, got in found.items() if got.status != 200} == {}
    outside = {path for path in found if not path.startswith("/a/b/")}
    assert outside == {"/metrics", "/-/ready", "/-/healthy"}
    assert len(found) > 15
    assert ask(prefixed.address, "/").status == 404


@pytest.mark.parametrize(
    ("outside", "inside"), [("/a/b/", "/a/b/"), ("/tools/alloypy/", "/a/b/"), ("/", "/a/b/")]
)
def test_every_link_works_through_a_proxy(prefixed: Running, outside: str, inside: str) -> None:
    with Proxy(prefixed.address, outside, inside) as proxy:
        found = crawl(proxy.address, outside)
    below = {path: got.status for path, got in found.items() if path.startswith(outside)}
    probes = {path for path in below if path.endswith(("/metrics", "/-/ready", "/-/healthy"))}
    assert {path: status for path, status in below.items() if status != 200 and path not in probes} == {}
    assert len(below) > 15


def test_the_http_block_protects_all_pages(tmp_path: Path) -> None:
    text = (
        'http {\n  auth {\n    basic {\n      username = "u"\n      password = "hush-hush"\n    }\n  }\n}\n'
    )
    (tmp_path / "config.alloy").write_text(text)
    with Running(["config.alloy"], tmp_path) as running:
        running.wait_until_listening()
        given = f"Basic {base64.b64encode(b'u:hush-hush').decode()}"
        for path in (
            "/",
            "/modules",
            "/config",
            "/about",
            "/flame",
            "/static/x/app.css",
            "/api/v0/alloypy/states",
        ):
            assert ask(running.address, path).status == 401
            got = ask(running.address, path, Authorization=given)
            assert got.status == 200
            assert SECRET not in got.text
        assert ask(running.address, "/config", "POST").status == 401
        assert ask(running.address, "/config", "POST", Authorization=given).status == 200
        assert running.stop() == 0


def test_a_configuration_that_only_changes_a_secret_is_told_apart(tmp_path: Path) -> None:
    text = WITH_TOKEN
    (tmp_path / "config.alloy").write_text(text)
    with Running(["config.alloy"], tmp_path) as running:
        running.wait_until_ready()
        assert "The files are those that run." in ask(running.address, "/config").text
        (tmp_path / "config.alloy").write_text(text.replace("hush-hush", "hush-hush-2"))
        got = ask(running.address, "/config")
        assert "config.alloy: only secrets or comments have changed." in got.text
        (tmp_path / "config.alloy").write_text(f'{text}pyroscope.write "v" {{\n  nothing = "hush-hush"\n}}\n')
        got = ask(running.address, "/config")
        assert '<span class="added">+pyroscope.write &quot;v&quot; {</span>' in got.text
        assert "ALY" in got.text
        assert SECRET not in got.text.replace("nothing = &quot;hush-hush", "")
        (tmp_path / "config.alloy").unlink()
        got = ask(running.address, "/config")
        assert "The files cannot be compared with what runs" in Page(got.text).text
        assert running.stop() == 0
