"""Rules of the faro components."""

from __future__ import annotations

from collections.abc import Mapping

from alloypy.rules.forms import go_template
from alloypy.rules.view import Rule

BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    # Alloy panics where it creates the component.
    "faro.receiver/sourcemaps/location": (go_template("path"),),
}
"""Rules by component and inner blocks."""
