"""`python -m tests.support.mortal run ...`: an alloypy that is killed by profiles named "deadly".

In Kafka, its partitions are free within a second after its end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from alloypy.cli.main import entry_point
from alloypy.components.own import queue
from alloypy.components.own.delivering.arguments import Arguments
from alloypy.profiles.model import IngestProfile, Push
from alloypy.profiles.receiver import ProfilesReceiver

_destinations = queue._destinations


class Deadly(ProfilesReceiver):
    """A destination that passes profiles on, or kills the process."""

    def __init__(self, destination: ProfilesReceiver) -> None:
        self.component = destination.component
        self._destination = destination

    async def append(self, push: Push) -> None:
        await self._destination.append(push)

    async def append_ingest(self, profile: IngestProfile) -> None:
        if "deadly" in profile.query:
            os.kill(os.getpid(), signal.SIGKILL)
        await self._destination.append_ingest(profile)


def destinations(arguments: Arguments) -> Mapping[str, ProfilesReceiver]:
    """The destinations of a queue, each as a deadly one."""
    return {name: Deadly(receiver) for name, receiver in _destinations(arguments).items()}


def shorten_sessions() -> None:
    """Let other members of a group, and the next process, notice an end soon."""
    from alloypy.streaming import reading

    vars(reading).update(SESSION_SECONDS=0.6, _HEARTBEAT_SECONDS=0.2)


if __name__ == "__main__":
    vars(queue)["_destinations"] = destinations
    if "KAFKA" in os.environ:
        shorten_sessions()
    entry_point()
