"""Whether there is memory for a process more."""

from pathlib import Path

MIB = 1024 * 1024
# A process takes 150 to 220 MiB; the rest is for who works.
HEADROOM_BYTES = 512 * MIB
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def has_headroom(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> bool:
    """Whether the machine and its control group have room; True where they do not say."""
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
    """In the second version of control groups; of what is in use, the file cache can be let go."""
    try:
        most = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        figures = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return None if most == "max" else int(most) - used + int(figures.get("inactive_file", 0))
