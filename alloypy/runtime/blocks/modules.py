"""Arguments of the blocks that modules are made of: argument, export, foreach and the imports.

Source: docs/spec/RUNTIME.md, sections 5.6, 5.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.values import OptionalSecret, Secret
from alloypy.rules import faults_of
from alloypy.runtime.contract.watching import DETECTOR, DETECTOR_DOC, FREQUENCY_DOC
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block


@arguments
class ArgumentArguments:
    """Arguments of `argument`."""

    optional: bool = attribute(default=False, doc="Whether the argument may be left out.")
    default: Any = attribute(default=None, doc="Value of an optional argument that is left out.")
    comment: str = attribute(default="", doc="What the argument is for.")


@arguments
class ExportArguments:
    """Arguments of `export`."""

    value: Any = attribute(doc="Value to export.")


@arguments
class ForeachArguments:
    """Arguments of `foreach`, without its template."""

    collection: tuple[Any, ...] = attribute(doc="Items; each gets a pipeline of its own.")
    var: str = attribute(doc="Name of the item in the template.")
    id: str = attribute(default="", doc="For items that are objects: the key whose value names the pipeline.")
    hash_string_id: bool = attribute(default=False, doc="Name the pipelines of text items by a hash.")
    enable_metrics: bool = attribute(default=False, doc="Show the metrics of the pipelines' components.")


@arguments
class ImportFileArguments:
    """Arguments of `import.file`."""

    filename: str = attribute(doc="File, or directory with *.alloy files, to import.")
    detector: Annotated[str, DETECTOR] = attribute(default="fsnotify", doc=DETECTOR_DOC)
    poll_frequency: Duration = attribute(default=Duration(MINUTE), doc=FREQUENCY_DOC)


@arguments
class ImportStringArguments:
    """Arguments of `import.string`."""

    content: OptionalSecret = attribute(doc="The text to import.")


@arguments
class GitBasicAuthArguments:
    """Arguments of `basic_auth` in `import.git`."""

    username: str = attribute(doc="User name.")
    password: Secret = attribute(default=Secret(""), doc="Password.")
    password_file: str = attribute(default="", doc="File with the password.")


@arguments
class GitSSHKeyArguments:
    """Arguments of `ssh_key` in `import.git`."""

    username: str = attribute(doc="User name.")
    key: Secret = attribute(default=Secret(""), doc="Private key.")
    key_file: str = attribute(default="", doc="File with the private key.")
    passphrase: Secret = attribute(default=Secret(""), doc="Passphrase of the key.")


@arguments(rules="alloypy.import_git")
class ImportGitArguments:
    """Arguments of `import.git`."""

    repository: str = attribute(doc="Where the repository is.")
    path: str = attribute(doc="File or directory in it.")
    revision: str = attribute(default="main", doc="Branch, tag or commit.")
    pull_frequency: Duration = attribute(
        default=Duration(MINUTE), doc="Time between two pulls, at least 1s; 0s: never again."
    )
    basic_auth: GitBasicAuthArguments | None = block(default=None, doc="Credentials.")
    ssh_key: GitSSHKeyArguments | None = block(default=None, doc="SSH key.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


BLOCKS: dict[str, type[Any]] = {
    "argument": ArgumentArguments,
    "export": ExportArguments,
    "foreach": ForeachArguments,
    "import.file": ImportFileArguments,
    "import.git": ImportGitArguments,
    "import.string": ImportStringArguments,
}
"""Argument classes by block name."""
