"""Starts a process with few descriptors and little memory, as a container has them."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def limited(memory: int, descriptors: int) -> Iterator[tuple[Callable[[], None], str]]:
    """What a child calls before it starts its program, and how its memory is limited.

    A control group if one can be made, else a limit on the process's data.
    """
    group = _make_group(memory)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))
        else:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

    try:
        yield limit, f"control group {group.name}" if group is not None else "RLIMIT_DATA"
    finally:
        if group is not None:
            with contextlib.suppress(OSError):
                group.rmdir()


def _make_group(memory: int) -> Path | None:
    kinds = ((_CGROUPS, "memory.max"), (_CGROUPS / "memory", "memory.limit_in_bytes"))
    for parent, name in kinds:
        group = parent / f"alloypy-soak-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / name).exists():  # else it is a plain folder, or the controller is not there
            try:
                (group / name).write_text(str(memory))
            except OSError:
                pass
            else:
                return group
        group.rmdir()
    return None
