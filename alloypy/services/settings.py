"""The settings that the command line gives to a running process."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from alloypy.schema.stability import Stability

CLUSTER_PATH = "/api/alloypy/v0/cluster"
"""Where the admin server of a replica says who it is."""


class ClusterSettings(NamedTuple):
    """The settings of one replica.

    name: of the cluster. node: name of the replica. join: host and port of where replicas are found.
    unused: the flags of clustering that were given and have no effect.
    """

    name: str
    node: str
    join: tuple[tuple[str, int], ...]
    unused: tuple[str, ...] = ()


class RunSettings(NamedTuple):
    """The settings of one process.

    path: configuration file or directory. listen: `host:port` of the admin server.
    ui_prefix: begins and ends with `/`. shutdown_deadline: seconds, 0 waits without limit.
    allowed_hosts: more host names that requests to a server on loopback may use; see `web_guard.host_name`.
    watch: reload when the files change. flags: every flag as `name=value`, for the support bundle.
    cluster: None for a process on its own.
    """

    path: str
    listen: str
    ui_prefix: str
    storage: Path
    stability: Stability
    community: bool
    shutdown_deadline: float
    support_bundle: bool
    allowed_hosts: tuple[str, ...]
    watch: bool
    flags: tuple[str, ...]
    cluster: ClusterSettings | None = None
