"""Long runs of a queue.

    python3 dev.py soak queue kills [--kills 500] [--acknowledged 50000] [--seed 1]
    python3 dev.py soak queue outage [--seconds 60] [--rate 200] [--seed 1]
    python3 dev.py soak queue stops [--stops 50] [--seed 1]
    python3 dev.py soak queue sdks [--minutes 10] [--every 20] [--seed 1]
    python3 dev.py soak queue neighbours [--rounds 10] [--seconds 10] [--rate 100] [--seed 1]
    python3 dev.py soak queue too_old [--minutes 65] [--limit 60] [--rate 20] [--seed 1]

The last needs a Pyroscope server: PYROSCOPE_BIN, or `pyroscope` on PATH; its limit is in minutes.
Exit code 1 if something was lost, doubled or miscounted; figures that a busy machine misses are only said.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from tests.soak.queues import kills, neighbours, outage, sdks, stops, too_old
from tests.soak.queues.base import Outcome, report

Run = Callable[[argparse.Namespace, Path], Coroutine[Any, Any, Outcome]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py soak queue", description="Long runs of a queue.")
    runs = parser.add_subparsers(required=True)

    def add(name: str, run: Run, about: str, **options: Any) -> None:
        one = runs.add_parser(name, help=about)
        one.set_defaults(run=run)
        one.add_argument("--seed", type=int, default=random.randrange(1000))
        for option, default in options.items():
            one.add_argument(f"--{option}", type=type(default), default=default)

    add(
        "kills",
        lambda given, folder: kills.soak(given.kills, given.acknowledged, given.seed, folder),
        "kill the process again and again, under load",
        kills=500,
        acknowledged=50_000,
    )
    add(
        "outage",
        lambda given, folder: outage.soak(given.seconds, given.rate, given.seed, folder),
        "an outage of an hour, sixty times as fast, with two kills",
        seconds=60.0,
        rate=200.0,
    )
    add(
        "stops",
        lambda given, folder: stops.soak(given.stops, given.seed, folder),
        "stop the process again and again, under load",
        stops=50,
    )
    add(
        "sdks",
        lambda given, folder: sdks.soak(given.minutes * 60, given.every, given.seed, folder),
        "the real SDKs, with a kill every so many seconds",
        minutes=10.0,
        every=20.0,
    )
    add(
        "neighbours",
        lambda given, folder: neighbours.soak(given.rounds, given.seconds, given.rate, given.seed, folder),
        "two destinations, one of which is dead from time to time",
        rounds=10,
        seconds=10.0,
        rate=100.0,
    )
    add(
        "too_old",
        lambda given, folder: too_old.soak(
            given.minutes * 60, given.limit * 60, given.rate, _server(), given.seed, folder
        ),
        "an outage of a real Pyroscope that is longer than the age up to which it takes profiles",
        minutes=65.0,
        limit=60.0,
        rate=20.0,
    )
    return parser


def _server() -> str:
    program = os.environ.get("PYROSCOPE_BIN") or shutil.which("pyroscope")
    return program or sys.exit("no Pyroscope server: set PYROSCOPE_BIN to its program")


def main() -> None:
    """Run one and print the report."""
    given = _parser().parse_args()
    print(f"seed {given.seed}", flush=True)
    report(partial(given.run, given))


if __name__ == "__main__":
    main()
