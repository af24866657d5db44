"""Targets of any length: what cannot be passed on is answered, without an error in the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pipeline import pipeline
from tests.support.receiving import ask
from tests.support.running import free_port

pytestmark = pytest.mark.anyio

CONFIG = """
pyroscope.receive_http "in" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = RECV
  }
  forward_to = [pyroscope.write.out.receiver]
}
pyroscope.write "out" {
  endpoint {
    url = "http://127.0.0.1:SINK"
  }
}
"""


async def test_a_file_whose_name_is_too_long_to_pass_on_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upload = "/debuginfo.v1alpha1.DebuginfoService/Upload/" + "a" * 1_000_000
    async with pipeline(CONFIG.replace("SINK", str(free_port())), tmp_path) as running:
        reply = await ask(running.port, upload, b"abc")
    assert (reply.status, reply.body) == (
        502,
        b"downstream upload: upload: the request's URL cannot be sent: URL too long\n",
    )
    assert not [record for record in caplog.records if record.exc_info]
