"""`python -m tests.support.component_cases`: see the package's docstring."""

from __future__ import annotations

import sys

from tests.support.component_cases.comparing import main

sys.exit(main(sys.argv[1:]))
