"""Pictures for tests of drawings."""

from __future__ import annotations

import re
from pathlib import Path

from alloypy.drawing.picture import Arrow, Box, Group, Kind, Picture


def picture(nodes: list[str], edges: list[tuple[str, str]], title: str = "test") -> Picture:
    """A picture of components, by their ids, and of profiles that flow between them."""
    boxes = [Box(node, *(node.rsplit(".", 1) if "." in node else (node, ""))) for node in nodes]
    return Picture(title, boxes, [Arrow(source, target, "profiles") for source, target in edges])


HOSTILE = [
    "<script>alert(1)</script>",
    '"/><script>alert(1)</script>',
    "]]></style><script>",
    "javascript:alert(1)",
    "\x00\x07\ud800\ufffe",
    '"]; end subgraph x[',
    "%%{init: {}}%%",
    "a\\",
    "&lt;b&gt; #quot; `x`",
    "line\nbreak\r\ttab",
]
"""Names that could break out of their place in an output."""


def hostile() -> Picture:
    """Hostile texts in every place that a text can have."""
    boxes = [
        Box(f"{at}{each}", each, each, kind, each if at % 2 else "", place=each, unhealthy=True)
        for at, (each, kind) in enumerate(zip(HOSTILE, [*Kind] * 2, strict=True))
    ]
    ends = [box.id for box in boxes if box.group == ""]
    arrows = [Arrow(ends[0], each, HOSTILE[1]) for each in ends[1:]]
    return Picture(HOSTILE[0], boxes, arrows, [Group(each, each) for each in HOSTILE])


def pipelines_picture(count: int) -> Picture:
    """Some pipelines of 20 components each with fan-out; most feed the pipeline before them, too."""
    nodes: list[str] = []
    edges: list[tuple[str, str]] = []
    for number in range(count // 20):
        before = [f"pyroscope.receive_http.r{number}"]
        nodes += before
        for step in range(6):
            here = [f"pyroscope.relabel.r{number}_{step}_{each}" for each in range(3)]
            nodes += here
            edges += [
                (source, each) for at, each in enumerate(here) for source in before[: 1 + (at + step) % 2]
            ]
            before = here
        nodes.append(f"pyroscope.write.w{number}")
        edges += [(source, nodes[-1]) for source in before]
        if number % 10:
            edges.append((before[0], f"pyroscope.write.w{number - 1}"))
    return picture(nodes, edges)


MODULES = """\
logging {
  write_to = [loki.write.logs.receiver]
}

loki.write "logs" {
  endpoint {
    url = "http://user:hidden-1@loki"
  }
}

declare "sink" {
  argument "more" { }

  argument "found" {
    optional = true
  }

  pyroscope.scrape "found" {
    targets    = argument.found.value
    forward_to = argument.more.value
  }

  pyroscope.write "inner" {
    endpoint {
      url = "http://localhost"
    }
  }

  export "receiver" {
    value = pyroscope.write.inner.receiver
  }
}

sink "all" {
  more  = [pyroscope.write.backend.receiver]
  found = discovery.kubernetes.pods.targets
}

discovery.kubernetes "pods" {
  role = "pod"
}

pyroscope.write "backend" {
  endpoint {
    url          = "http://localhost"
    bearer_token = local.file.token.content

    headers = {"x-token" = "hidden-2"}
  }
}

local.file "token" {
  filename  = "/hidden-3"
  is_secret = true
}

pyroscope.receive_http "sdks" {
  http {
    listen_port = 4040
  }
  forward_to = [sink.all.receiver, pyroscope.relabel.tidy.receiver]
}

pyroscope.relabel "tidy" {
  forward_to = [pyroscope.write.backend.receiver]

  rule {
    action = "labeldrop"
    regex  = "hidden-4"
  }
}

foreach "pod" {
  collection = discovery.kubernetes.pods.targets
  var        = "each"

  template {
    pyroscope.scrape "it" {
      targets    = [each]
      forward_to = [pyroscope.write.backend.receiver]
    }
  }
}
"""
"""A configuration with modules, and with texts that no picture may contain: `hidden-...`."""

EXPERIMENTAL = "--stability.level=experimental"


def flags_for(example: Path) -> list[str]:
    """What an example needs; only alloypy has the components whose names begin with its own."""
    is_own = re.search(r"^alloypy\.", example.read_text("utf-8"), re.MULTILINE)
    return [EXPERIMENTAL, *(["--for=alloypy"] if is_own else [])]
