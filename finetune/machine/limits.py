"""What this process may use of the machine's cores and main memory, as far as its container's limits say (cgroups).

Linux counts for each control group, version 1 and 2 alike, and a limit holds for every group below it: so the own group
and all above it are read, as far up as they can be seen. Elsewhere there are no such limits. Nothing is changed.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

ROOT = Path("/")
"""Where ``proc`` and ``sys`` are."""
UNKNOWN = ("0::/", "1:cpu:/", "2:memory:/")
"""Read in place of a ``/proc/self/cgroup`` that cannot be: the topmost groups, which in a container are its own."""


def visible_cores() -> int:
    """Cores that this process may be put on, however much of their time it is granted."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def granted_cores(root: Path = ROOT) -> int | None:
    """Cores whose time the container's CPU quota comes to, rounded up; None where there is no quota."""
    return min((math.ceil(share) for group in _groups("cpu", root) if (share := _share(group))), default=None)


def cores(root: Path = ROOT) -> int:
    """CPU cores this process may use, at least 1."""
    return min(visible_cores(), granted_cores(root) or visible_cores())


def memory_bytes(root: Path = ROOT) -> int:
    """Main memory this process may use: the machine's, or its container's limit if that is lower."""
    return min([psutil.virtual_memory().total, *(limit for limit, _ in _memory(root))])


def free_memory_bytes(root: Path = ROOT) -> int:
    """Main memory that can still be taken: what is available on the machine, and below each limit of the container.

    What the kernel keeps of files that were not used lately (``inactive_file``) is given back first and counts as free,
    as ``docker stats`` and the kubelet have it.
    """
    return max(0, min([psutil.virtual_memory().available, *(limit - used for limit, used in _memory(root))]))


def _share(group: Path) -> float | None:
    """Cores' worth of time that a group's own quota allows."""
    words = _words(group / "cpu.max") or _words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us")
    # Without a quota version 2 says "max" and version 1 says -1.
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdigit() else None


def _memory(root: Path) -> Iterator[tuple[int, int]]:
    """Limit and use, in bytes, of each group that has both."""
    for group in _groups("memory", root):
        limit = _words(group / "memory.max") or _words(group / "memory.limit_in_bytes")
        used = _words(group / "memory.current") or _words(group / "memory.usage_in_bytes")
        if limit and used and limit[0].isdigit():
            words = _words(group / "memory.stat")
            stat = dict(zip(words[::2], words[1::2]))
            # Version 1 says it of the group alone under the same name, and with those below it under "total_".
            idle = stat.get("total_inactive_file") or stat.get("inactive_file") or 0
            yield int(limit[0]), int(used[0]) - int(idle)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Where the groups are that ``controller`` counts this process in: its own, then those above.

    Not all of them need be there: a container sees its own group at the top, yet may be told its path on the machine.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = UNKNOWN
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        own = PurePosixPath(path.lstrip("/"))
        for top in dict.fromkeys((controllers, controller if controllers else "")):
            yield from (root / "sys/fs/cgroup" / top / group for group in (own, *own.parents))


def _words(file: Path) -> list[str]:
    """What a control group's file says; nothing if it is not there or not to be read."""
    try:
        return file.read_text(encoding="utf-8").split()
    except OSError:
        return []
