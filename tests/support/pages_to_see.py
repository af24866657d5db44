"""A running alloypy with something to see on each page, and Chromium to look at it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.running import ALLOYPY, Running, environment, free_port, of_checkout

CONFIGURATION = """\
livedebugging {
	enabled = true
}

pyroscope.receive_http "default" {
	http {
		listen_address = "127.0.0.1"
		listen_port    = RECV
	}
	forward_to = [pyroscope.relabel.rules.receiver]
}

pyroscope.relabel "rules" {
	forward_to = [pyroscope.write.backend.receiver]

	rule {
		source_labels = ["service_name"]
		regex         = "drop.*"
		action        = "drop"
	}

	rule {
		target_label = "team"
		replacement  = "shop"
	}
}

pyroscope.write "backend" {
	endpoint {
		url = "http://127.0.0.1:SINK"
	}
}

declare "sending" {
	pyroscope.write "inner" {
		endpoint {
			url = "http://127.0.0.1:SINK"
		}
	}
}

sending "module" { }
"""


class Shown(NamedTuple):
    """Where the pages are, and where profiles can be sent. Both are URLs."""

    address: str
    receiver: str


@contextmanager
def pages_to_see(folder: Path, prefix: str = "/") -> Iterator[Shown]:
    """Run it while the block lasts. folder: for its files. prefix: of the pages."""
    receiver, sink = free_port(), free_port()
    text = CONFIGURATION.replace("RECV", str(receiver)).replace("SINK", str(sink))
    (folder / "config.alloy").write_text(text)
    arguments = ("--stability.level=public-preview", f"--server.http.ui-path-prefix={prefix}", "config.alloy")
    sinking = [*ALLOYPY, "dev-sink", f"--listen-addr=127.0.0.1:{sink}"]
    with (
        subprocess.Popen(sinking, env=of_checkout(), stdout=subprocess.DEVNULL) as server,
        Running(arguments, folder) as running,
    ):
        try:
            running.wait_until_ready()
            yield Shown(f"http://{running.address}{prefix}", f"http://127.0.0.1:{receiver}")
        finally:
            server.kill()


def in_chromium(
    packages: Path, script: Path, *arguments: str, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a script of Node that opens Chromium. packages: a folder `node_modules`."""
    command = ["node", script.name, str(packages), str(shutil.which("chromium")), *arguments]
    return subprocess.run(
        command,
        cwd=script.parent,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
