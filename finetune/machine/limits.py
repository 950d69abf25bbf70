"""How many cores and how much main memory this process may use under its container's limits (cgroups).

Linux accounts for each control group, in version 1 and 2 alike, and a limit holds for every group below it. So the
process's own group and all groups above it are read, as far up as they are visible. Other systems have no such limits.
Nothing is changed.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

ROOT = Path("/")
"""The folder that holds ``proc`` and ``sys``."""
UNKNOWN = ("0::/", "1:cpu:/", "2:memory:/")
"""Used where ``/proc/self/cgroup`` cannot be read: the topmost groups, which in a container are its own."""


def visible_cores() -> int:
    """Cores that this process may be scheduled on, whatever its CPU quota."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def granted_cores(root: Path = ROOT) -> int | None:
    """The container's CPU quota in cores, rounded up; None without a quota."""
    return min((math.ceil(share) for group in _groups("cpu", root) if (share := _share(group))), default=None)


def cores(root: Path = ROOT) -> int:
    """CPU cores this process may use, at least 1."""
    return min(visible_cores(), granted_cores(root) or visible_cores())


def memory_bytes(root: Path = ROOT) -> int:
    """Main memory this process may use: the machine's, or its container's limit if that is lower."""
    return min([psutil.virtual_memory().total, *(limit for limit, _ in _memory(root))])


def free_memory_bytes(root: Path = ROOT) -> int:
    """Main memory still free: the least of what the machine has available and what each container limit leaves.

    The kernel's cache of files not used lately (``inactive_file``) is reclaimed first and counts as free, as in
    ``docker stats`` and the kubelet.
    """
    return max(0, min([psutil.virtual_memory().available, *(limit - used for limit, used in _memory(root))]))


def _share(group: Path) -> float | None:
    """A group's own CPU quota, in cores."""
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
            # In version 1 this name counts the group alone, and the one with "total_" also the groups below it.
            idle = stat.get("total_inactive_file") or stat.get("inactive_file") or 0
            yield int(limit[0]), int(used[0]) - int(idle)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of the groups in which ``controller`` accounts for this process: its own, then those above.

    Some may not exist: a container sees its own group at the top, but may read the path that the group has on the host.
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
    """The words in a control group's file; empty if it is missing or unreadable."""
    try:
        return file.read_text(encoding="utf-8").split()
    except OSError:
        return []
