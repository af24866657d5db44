"""`python -m tests.support.mortal run ...`: an alloypy that is killed by profiles named "deadly"."""

from __future__ import annotations

import os
import signal

from alloypy.cli.main import entry_point
from alloypy.components.own.delivering import courier, messages
from alloypy.components.own.delivering.messages import Stored
from alloypy.profiles.model import IngestProfile, ProfilesReceiver


async def deliver(stored: Stored, receiver: ProfilesReceiver) -> None:
    """Deliver, or be killed."""
    if isinstance(stored, IngestProfile) and "deadly" in stored.query:
        os.kill(os.getpid(), signal.SIGKILL)
    await messages.deliver(stored, receiver)


if __name__ == "__main__":
    vars(courier)["deliver"] = deliver
    entry_point()
