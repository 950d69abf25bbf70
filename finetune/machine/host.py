"""Which machine this is, for readers of the same folder on another one."""

import hashlib
import platform
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

KERNEL, MACHINE = Path("/proc/sys/kernel/random/boot_id"), Path("/etc/machine-id")
"""What names a boot of this machine (random(4)), and its installation (machine-id(5)); Linux alone has them."""


@dataclass(frozen=True)
class Host:
    """A machine, so that it can be told from another one."""

    name: str
    """Its name in the network, for people."""
    kernel: str
    """Stays the same in all containers of a machine, until it restarts."""
    installation: str
    """Stays the same over a restart."""

    def is_same(self, other: "Host") -> bool:
        """True if files that one locks are locked for the other too: one kernel, or one installation."""
        return self.kernel == other.kernel or self.installation == other.installation

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


@cache
def here() -> Host:
    """This machine. What names it is hashed: it goes into a file that others may read."""
    name, kernel, machine = platform.node() or "unknown", _text(KERNEL), _text(MACHINE)
    return Host(name, _hashed(kernel or name + machine), _hashed(f"{name}\n{machine}"))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
