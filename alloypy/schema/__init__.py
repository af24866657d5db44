"""Declared fields: one declaration on a class, read by decoder, checker, API, docs and editor.

```python
from collections.abc import Iterator, Mapping
from typing import Annotated

from alloypy.lang.types import IntType
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.values import Secret
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, export, exports, label, squash


@arguments
class Rule:
    name: str = label()                                   # rule "x" { ... }
    regex: str = attribute(default="(.*)", doc="What to match.")

@arguments
class HTTPClient:
    bearer_token: Secret | None = attribute(default=None, doc="Token sent along.")

@arguments
class Arguments:
    url: str = attribute(doc="Where to send.")            # no default: required
    timeout: Duration = attribute(default=Duration(10 * SECOND), doc="For one request.")
    port: Annotated[int, IntType(16)] = attribute(default=80)
    headers: Mapping[str, str] = attribute(default_factory=dict)
    targets: tuple[str, ...] = attribute(default=())
    rules: tuple[Rule, ...] = block(name="rule", default=())   # any number of blocks
    client: HTTPClient = squash()                         # its fields appear as our own

    def check(self) -> Iterator[Fault]:
        if self.timeout <= 0:
            yield Fault("timeout", "timeout must be greater than 0")

@exports
class Exports:
    content: str = export(doc="What was read.")

decode(Arguments, block.body, source, scope)              # alloypy.schema.decode
encode_body(instance)                                     # alloypy.schema.encode
spec_of(Arguments)                                        # alloypy.schema.derive
```

Annotations are evaluated when the spec is first needed, so the types they name must be
importable at run time (not under `TYPE_CHECKING`). Source: docs/spec/SYNTAX.md, section 6.
"""
