"""`python -m tests.support.mortal run ...`: an alloypy that is killed by profiles named "deadly".

In Kafka, its partitions are free within a second after its end.
"""

from __future__ import annotations

import os
import signal

from alloypy.cli.main import entry_point
from alloypy.components.own.delivering import courier, messages
from alloypy.components.own.delivering.messages import Stored
from alloypy.profiles.model import IngestProfile
from alloypy.profiles.receiver import ProfilesReceiver


async def deliver(stored: Stored, receiver: ProfilesReceiver) -> None:
    """Deliver, or be killed."""
    if isinstance(stored, IngestProfile) and "deadly" in stored.query:
        os.kill(os.getpid(), signal.SIGKILL)
    await messages.deliver(stored, receiver)


def shorten_sessions() -> None:
    """Let other members of a group, and the next process, notice an end soon."""
    from alloypy.streaming import reading

    vars(reading).update(SESSION_SECONDS=0.6, _HEARTBEAT_SECONDS=0.2)


if __name__ == "__main__":
    vars(courier)["deliver"] = deliver
    if "KAFKA" in os.environ:
        shorten_sessions()
    entry_point()
