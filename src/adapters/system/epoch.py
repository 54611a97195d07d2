"""The epoch of the clock that gateways with the same state folder share."""

import json
import logging
import math
import os
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TIME_NAMESPACE = Path("/proc/self/ns/time")

log = logging.getLogger(__name__)


def boot_id() -> str | None:
    """Returns an id of the machine's boot, or None on systems other than Linux.

    It includes the time namespace, because a container may have one with a different uptime.
    """
    try:
        boot = BOOT_ID.read_text().strip()
    except OSError:
        return None
    try:
        return f"{boot} {TIME_NAMESPACE.readlink()}"
    except OSError:  # before Linux 5.6
        return boot


def shared_epoch(path: Path, boot: str, own: float) -> float:
    """Returns the epoch in the file if it is of this `boot`; otherwise writes and returns `own`.

    Workers and restarted gateways thus agree on a session's age, even if the clock jumped between
    their starts. Two processes that write concurrently may differ by the time between the writes.
    """
    try:
        kept = _read(path, boot)
        if kept is not None:
            return kept
        _write(path, boot, own)
    except (OSError, ValueError) as error:
        log.warning(
            "clock.json cannot be used (%s): clock changes may expire sessions",
            type(error).__name__,
        )
    return own


def _read(path: Path, boot: str) -> float | None:
    try:
        kept = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("boot") != boot:
        return None
    epoch = kept.get("epoch")
    return float(epoch) if isinstance(epoch, (int, float)) and math.isfinite(epoch) else None


def _write(path: Path, boot: str, epoch: float) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        partial.write_text(json.dumps({"boot": boot, "epoch": epoch}))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
