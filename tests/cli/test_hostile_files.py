"""`alloypy validate` of files made to take long: it ends soon and prints little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running import of_checkout

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="CPU time cannot be limited")

_CPU_SECONDS = 15
"""Far more than any of these takes; what is quadratic or worse takes far more than this."""
_STACK_BYTES = 2 << 20
"""A quarter of the usual limit: what nests is read by Python, whose calls are on the heap."""


def _labelmap(replacement: str) -> str:
    return (
        'pyroscope.relabel "r" {\n  forward_to = []\n  rule {\n    action = "labelmap"\n'
        f'    replacement = "{replacement}"\n  }}\n}}\n'
    )


FILES = {
    "NULs": "\0" * 10_000,
    "a replacement that is no label": _labelmap("kubernetes_pod_label" * 3 + "-$1"),
    "one block again and again": 'foo "b" {\n}\n' * 15_000,
    "components that nobody knows": "".join(f'foo.b{i} "b" {{\n}}\n' for i in range(10_000)),
    "blocks without a label": "a { }\n" * 10_000,
    "names that nobody knows": "".join(
        f'local.file "f{i}" {{\n  filename = loki.x{i}.y\n}}\n' for i in range(10_000)
    ),
    "wrong attributes": 'pyroscope.write "w" {\n' + "".join(f"a{i} = 1\n" for i in range(20_000)) + "}\n",
    "a long cycle": "".join(
        f'pyroscope.relabel "r{i}" {{\n  forward_to = [pyroscope.relabel.r{(i + 1) % 3000}.receiver]\n}}\n'
        for i in range(3000)
    ),
    "a long line": f'pyroscope.write "w" {{ {"a" * 1_000_000} = 1 }}\n',
    "a long name that sounds secret": "secret" * 50_000 + " + 1",
    "operators in a row": f"logging {{ level = {'!' * 9_990}true }}\n",
    "a long chain of names": f"logging {{ level = a{'.b' * 9_990} }}\n",
    "a duration of many parts": 'pyroscope.write "w" {\n  endpoint {\n    url = "http://h"\n'
    f'    remote_timeout = "{"0s" * 200_000}!"\n  }}\n}}\n',
}


@pytest.mark.parametrize("name", FILES)
def test_it_ends_and_is_short(name: str, tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        resource.setrlimit(
            resource.RLIMIT_STACK, (_STACK_BYTES, resource.getrlimit(resource.RLIMIT_STACK)[1])
        )

    (tmp_path / "config.alloy").write_text(FILES[name])
    done = subprocess.run(
        [sys.executable, "-m", "alloypy", "validate", "config.alloy"],
        cwd=tmp_path,
        env=of_checkout(),
        capture_output=True,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert len(done.stderr) < 400_000
