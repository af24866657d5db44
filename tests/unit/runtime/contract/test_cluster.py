"""A process without a cluster."""

from __future__ import annotations

import pytest

from alloypy.runtime.contract.cluster import NO_CLUSTER, Cluster

pytestmark = pytest.mark.anyio


async def test_a_process_on_its_own_owns_everything_for_ever() -> None:
    cluster: Cluster = NO_CLUSTER
    assert (cluster.enabled, cluster.ready, cluster.owns(b"any")) == (False, True, True)
    assert not cluster.changed().done()  # type: ignore[attr-defined]
