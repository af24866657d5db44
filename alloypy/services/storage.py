"""The storage directory, and the identity of the installation that is kept in it.

The layout is Alloy's: `alloy_seed.json` at the top, one directory for each component below.
Source: docs/spec/RUNTIME.md, section 1.1 (`--storage.path`).
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from alloypy import __version__
from alloypy.files import read_regular
from alloypy.threads import FILE_SECONDS, FILES

_SEED = "alloy_seed.json"
_LARGEST_BYTES = 64 << 10

logger = logging.getLogger("alloypy.storage")


async def read_installation_id(storage: Path) -> str:
    """Like `installation_id`, without blocking the event loop, and with a deadline if the directory hangs."""
    try:
        return await FILES.run(lambda: installation_id(storage), FILE_SECONDS)
    except OSError as error:
        _warn(storage / _SEED, error)
        return _random_uuid()


def installation_id(storage: Path) -> str:
    """The UUID of this installation, made on the first start; sent as `X-Alloy-Id`.

    If it can be neither read nor stored, the process uses a new one until it ends, and logs a warning.
    """
    seed = storage / _SEED
    try:
        return _read(seed)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError) as error:
        logger.error("cannot use the seed file", extra={"fields": {"path": str(seed), "err": str(error)}})
    identity = _random_uuid()
    try:
        storage.mkdir(mode=0o750, parents=True, exist_ok=True)
        _write(seed, identity)
    except OSError as error:
        _warn(seed, error)
    return identity


def _warn(seed: Path, error: OSError) -> None:
    message = "cannot keep the id of this installation; it lasts until the process ends"
    logger.warning(message, extra={"fields": {"path": str(seed), "err": str(error)}})


def _random_uuid() -> str:
    """A UUID of version 4, without the module `uuid`, which is slow to import."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _read(seed: Path) -> str:
    if seed.stat().st_size > _LARGEST_BYTES:
        raise ValueError("the seed file is too large")
    content = json.loads(read_regular(str(seed)))
    identity = content.get("UID") if isinstance(content, dict) else None
    if not isinstance(identity, str) or not identity or not identity.isascii() or not identity.isprintable():
        raise ValueError("the seed file has no usable UID")
    return identity


def _write(seed: Path, identity: str) -> None:
    """Write the file atomically: a second process starting meanwhile reads the old file or the new one."""
    created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    content = json.dumps({"UID": identity, "created_at": created, "version": f"v{__version__}"})
    temporary = seed.with_name(f"{_SEED}.{identity}.tmp")
    try:
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(seed)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
