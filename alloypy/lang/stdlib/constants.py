"""`constants`: facts about the platform, under Go's names."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from alloypy import __version__

_SYSTEMS = {"win32": "windows", "cygwin": "windows"}
_ARCHITECTURES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "i386": "386",
    "i686": "386",
    "x86": "386",
    "armv6l": "arm",
    "armv7l": "arm",
}


WORDS = {
    "hostname": "Name of the machine.",
    "os": "Go's name for the operating system: linux, darwin or windows.",
    "arch": "Go's name for the processor, such as amd64 or arm64.",
    "version": "Version of alloypy, with a v in front.",
}
"""The reference text of each constant."""


class Platform(NamedTuple):
    """The content of `constants`. os, arch: Go's names. version: with a `v` in front."""

    hostname: str = ""
    os: str = "linux"
    arch: str = "amd64"
    version: str = "v0.0.0"

    @classmethod
    def current(cls) -> Platform:
        """The platform of this process."""
        if hasattr(os, "uname"):  # the module `platform` is slow to import
            system = os.uname()
            hostname, arch = system.nodename, system.machine
        else:
            import platform

            hostname, arch = platform.node(), platform.machine()
        return cls(
            hostname=hostname,
            os=_SYSTEMS.get(sys.platform, sys.platform),
            arch=_ARCHITECTURES.get(arch.lower(), arch),
            version=f"v{__version__}",
        )
