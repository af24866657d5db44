"""Mermaid, in a browser, draws what `alloypy graph` writes: all examples, and a thousand components."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from html import unescape
from pathlib import Path

import pytest

from alloypy.cli.main import main
from alloypy.drawing.mermaid import mermaid
from tests.support.counts import FULL
from tests.support.drawing import MODULES, flags_for, hostile, pipelines_picture
from tests.support.editing import needs
from tests.support.running import environment

MERMAID = "mermaid@12.3.0"
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.alloy"))
PAGE = """<!DOCTYPE html><meta charset="utf-8"><pre id="answer"></pre><script src="mermaid.min.js"></script>
<script type="application/json" id="charts">CHARTS</script>
<script>
mermaid.initialize({startOnLoad: false, maxEdges: 5000, maxTextSize: 1000000});
(async () => {
  const answers = [];
  for (const [number, chart] of JSON.parse(document.getElementById("charts").textContent).entries()) {
    try {
      const {svg} = await mermaid.render("chart" + number, chart);
      const drawn = new DOMParser().parseFromString(svg, "text/html");
      const count = (selector) => drawn.querySelectorAll(selector).length;
      answers.push([count("g.node"), count("path.flowchart-link")]);
    } catch (error) {
      answers.push(String(error));
    }
  }
  document.getElementById("answer").textContent = JSON.stringify(answers);
})();
</script>
"""
pytestmark = [
    pytest.mark.skipif(not FULL, reason="downloads Mermaid; dev.py test --full runs it"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script of Mermaid."""
    needs("npm", "chromium")
    path = tmp_path_factory.mktemp("mermaid")
    packing = ["npm", "pack", "--silent", MERMAID]
    done = subprocess.run(
        packing, cwd=path, env=environment(), capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        pytest.skip(f"Mermaid cannot be downloaded here: {done.stderr[-300:]}")
    with tarfile.open(path / done.stdout.split()[-1]) as archive:
        script = archive.extractfile("package/dist/mermaid.min.js")
        assert script is not None
        (path / "mermaid.min.js").write_bytes(script.read())
    return path


def rendered(folder: Path, charts: list[str]) -> list[object]:
    """What Mermaid makes of flowcharts: the numbers of boxes and arrows, or its error."""
    page = folder / "page.html"
    page.write_text(PAGE.replace("CHARTS", json.dumps(charts).replace("<", "\\u003c")))
    browser = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=100000000",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(browser, capture_output=True, text=True, timeout=800, check=True)
    answer = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout, re.DOTALL)
    assert answer is not None
    found: list[object] = json.loads(unescape(answer[1]))
    return found


def test_mermaid_draws_all_examples_and_hostile_names(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = tmp_path / "modules.alloy"
    modules.write_text(MODULES)
    charts, expected = [], []
    for path in [*EXAMPLES, modules]:
        for name in ("mermaid", "json"):
            argv = ["graph", str(path), *flags_for(path), f"--output-format={name}"]
            assert main(argv) == 0
            text = capsys.readouterr().out
            if name == "mermaid":
                charts.append(text)
            else:
                read = json.loads(text)
                expected.append([len(read["nodes"]), len(read["edges"])])
    charts.append(mermaid(hostile()))
    expected.append([len(hostile().boxes), len(hostile().arrows)])
    assert rendered(folder, charts) == expected


def test_mermaid_draws_a_thousand_components(folder: Path) -> None:
    drawn = pipelines_picture(1000)
    assert rendered(folder, [mermaid(drawn)]) == [[len(drawn.boxes), len(drawn.arrows)]]
