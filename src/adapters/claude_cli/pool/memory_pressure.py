"""Checks whether there is memory for another process."""

from pathlib import Path

MIB = 1024 * 1024
# A process takes 150 to 220 MiB (measured with 2.1.329); the rest is for running turns.
HEADROOM_BYTES = 512 * MIB
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def has_headroom(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> bool:
    """Returns whether machine and control group have headroom; unreadable figures count as yes."""
    return all(
        free is None or free >= HEADROOM_BYTES for free in (_machine(meminfo), _group(cgroup))
    )


def _machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(kib) * 1024 for kib in found), None)


def _group(cgroup: Path) -> int | None:
    """Returns the free memory under cgroup v2; inactive file cache is reclaimable."""
    try:
        most = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        figures = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return None if most == "max" else int(most) - used + int(figures.get("inactive_file", 0))
