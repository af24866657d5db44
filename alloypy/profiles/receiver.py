"""What takes profiles: the receiver that components export, and the service beside it that takes debug info.

Source: docs/spec/PYROSCOPE.md, section 2.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from typing import Protocol

from alloypy.lang.values import Capsule
from alloypy.profiles.model import IngestProfile, Push


class DebugInfoClient(Protocol):
    """The debuginfo service of one destination. Source: docs/spec/PYROSCOPE.md, section 3.6."""

    async def call(self, method: str, message: bytes, within: float | None) -> bytes:
        """Make a Connect unary call and return the answer, both as protobuf.

        method: `ShouldInitiateUpload` or `UploadFinished`.
        within: seconds for the call, None = the endpoint's own timeout.
        Raises DeliveryError with the backend's code and message.
        """
        ...

    async def upload(self, build_id: str, body: AsyncIterable[bytes], within: float) -> None:
        """Stream a debug-info file; `build_id` is not yet escaped.

        Raises DeliveryError: `upload: HTTP 404 (duration 1.5s)`, or why nothing answered.
        """
        ...


class ProfilesReceiver(Capsule):
    """The capsule that `receiver` exports contain and `forward_to` accepts.

    component: the global id of the component that exports it.
    """

    __slots__ = ("component",)
    kind = "pyroscope.Appendable"
    receives = True
    component: str

    async def append(self, push: Push) -> None:
        """Deliver every series of a Push request. Raises DeliveryError."""
        raise NotImplementedError

    async def append_ingest(self, profile: IngestProfile) -> None:
        """Deliver an /ingest profile. Raises DeliveryError."""
        raise NotImplementedError

    def debug_info_clients(self) -> Sequence[DebugInfoClient]:
        """The destinations of this receiver that take debug info, in order."""
        return ()

    def stores(self) -> Sequence[str]:
        """The ids of the components that store what this receiver is given, headers included, in order."""
        return ()
