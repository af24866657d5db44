"""What pyroscope.enrich costs for a profile: `python -m tests.benchmarks.enrich`.

With 10,000 targets such as pods have (24 labels, 20 of them shared by groups of 10), it prints the time to
index them, the longest time for which the event loop was held meanwhile, and the CPU for each profile that
gets all labels of a target, three of them, or none. The last column is the share of a core at 10,000
profiles/s.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from alloypy.components.pyroscope.enrich import Arguments, indexed
from alloypy.lang.targets import Target

TARGETS = 10_000
PROFILES = 10_000
ROUNDS = 7
GROUP = 10
OWN, SHARED = 4, 20


def targets() -> tuple[Target, ...]:
    """Targets with labels of their own and labels of their group."""
    made = []
    for number in range(0, TARGETS, GROUP):
        shared = {f"__meta_kubernetes_pod_label_{n}": f"value-{number}-{n}" for n in range(SHARED)}
        for each in range(number, number + GROUP):
            own = {f"label_{n}": f"value-{each}-{n}" for n in range(OWN - 1)}
            made.append(Target({"pod": f"pod-{each}", **own}, shared))
    return tuple(made)


def profiles(prefix: str) -> list[dict[str, str]]:
    """Labels of profiles, as an SDK sends them."""
    return [
        {"__name__": "process_cpu", "pod": f"{prefix}-{n}", "region": "eu", "service_name": "shop"}
        for n in range(PROFILES)
    ]


async def index_time(given: Arguments) -> tuple[float, float]:
    """Seconds to index the targets, and the longest pause of the loop meanwhile."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began - 0.001)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    longest = 0.0
    began = time.perf_counter()
    await indexed(given)
    taken = time.perf_counter() - began
    await asyncio.sleep(0.01)
    watching.cancel()
    return taken, longest


async def measure(name: str, given: Arguments, prefix: str) -> None:
    """Print the CPU for one profile."""
    index = await indexed(given)
    labels = profiles(prefix)
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for each in labels:
            index.enriched(each)
        rounds.append((time.process_time() - began) / PROFILES)
    cost = statistics.median(rounds)
    print(f"{name:32} {cost * 1e6:8.2f} us/profile {cost * 10_000:8.1%}")


async def main() -> None:
    """Measure everything."""
    every = targets()
    given = Arguments(targets=every, target_match_label="pod", forward_to=())
    times = [await index_time(given) for _ in range(ROUNDS)]
    taken = statistics.median(each for each, _ in times)
    held = statistics.median(each for _, each in times)
    print(f"index of {TARGETS:,} targets: {taken * 1e3:.1f} ms, the loop is held for {held * 1e3:.1f} ms")
    copied = Arguments(
        targets=every,
        target_match_label="pod",
        labels_to_copy=tuple(f"__meta_kubernetes_pod_label_{n}" for n in range(3)),
        forward_to=(),
    )
    await measure("all labels of a target", given, "pod")
    await measure("three labels of a target", copied, "pod")
    await measure("no target", given, "none")


if __name__ == "__main__":
    asyncio.run(main())
