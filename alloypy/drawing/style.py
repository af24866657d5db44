"""How pictures look, as CSS."""

from __future__ import annotations

STYLE = """\
.drawing{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:#fff}
.drawing text{fill:#17212b;white-space:pre}
.drawing .label{font-weight:600}
.drawing .box rect{fill:#eef3fa;stroke:#4f6d96;stroke-width:1.2}
.drawing .module rect{stroke-width:2.6}
.drawing .setting rect,.drawing .outside rect{stroke-dasharray:5 3}
.drawing .is-unhealthy rect{stroke:#c62828;stroke-width:3}
.drawing .arrow path{fill:none;stroke:#5d6f86;stroke-width:1.4}
.drawing .value path{stroke-dasharray:4 3}
.drawing .frame rect{fill:none;stroke:#8493a6;stroke-dasharray:2 3}
.drawing .tip{fill:#5d6f86}
.drawing .arrow text{font-size:10px;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:4px}
.drawing .sign{fill:#c62828;visibility:hidden}
.drawing .is-unhealthy .sign{visibility:visible}
.drawing a{text-decoration:none}
@media (prefers-color-scheme:dark){
.drawing{background:#12181f}
.drawing text{fill:#e4eaf1}
.drawing .box rect{fill:#1e2936;stroke:#7f9cc4}
.drawing .is-unhealthy rect{stroke:#ff6f6a}
.drawing .sign{fill:#ff6f6a}
.drawing .arrow path{stroke:#93a4b8}
.drawing .arrow text{stroke:#12181f}
.drawing .frame rect{stroke:#71839a}
.drawing .tip{fill:#93a4b8}
}
"""
"""How pictures look. Part of each file; a page that shows a picture has it in its own style sheet."""
