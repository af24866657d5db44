"""What discovery components share that ask a server over HTTP."""

from __future__ import annotations

from alloypy.components.discovery.shell import Discoverer
from alloypy.net.client.cold import ColdClient, ColdError
from alloypy.runtime.contract.component import BuildError


class AskingDiscoverer(Discoverer):
    """A source of groups with a client of its own."""

    def __init__(self, client: ColdClient) -> None:
        self._client = client

    async def check(self) -> None:
        """Read the TLS files. Raises BuildError."""
        try:
            await self._client.check()
        except ColdError as error:
            raise BuildError(str(error)) from None
