"""Codes of the faults that the graph and the check find: `ALY` and four digits.

A code names one kind of fault and never changes its meaning. ALY03xx values and bodies,
ALY04xx blocks and references, ALY05xx load-time rules of components, ALY09xx warnings; ALY08xx are upgrades
(`alloypy.check.versions.codes`).
The codes of faults in strings are in `alloypy.schema.faults`, those for reading a file in
`alloypy.syntax.codes`; `alloypy.check.explanations` explains all codes.
"""

from __future__ import annotations

VALUE = "ALY0300"
MISSING = "ALY0305"
LABEL = "ALY0306"
STATEMENT = "ALY0401"
REPEATED = "ALY0402"
PLACE = "ALY0403"
DECLARE_LABEL = "ALY0404"
GATE = "ALY0405"
ARGUMENT_UNKNOWN = "ALY0406"
UNKNOWN_COMPONENT = "ALY0407"
NO_LABEL = "ALY0408"
NOT_CONFIGURABLE = "ALY0409"
OUT_OF_SCOPE = "ALY0410"
MODULE_CYCLE = "ALY0411"
SELF_REFERENCE = "ALY0412"
NOT_INSTALLED = "ALY0413"
LOAD_RULE = "ALY0501"
SAME_PORT = "ALY0502"
MODULE_CONTENT = "ALY0503"
STOPPING = "ALY0504"
DEPRECATED = "ALY0901"
SHADOWING = "ALY0902"
UNUSED = "ALY0903"
PLAIN_SECRET = "ALY0904"  # noqa: S105 -- a code, not a secret
NUMBER_CHANGED = "ALY0906"
NO_URL = "ALY0907"
URL_PATH = "ALY0908"
UNSET_VARIABLE = "ALY0909"
NOWHERE = "ALY0910"
