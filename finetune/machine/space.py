"""What a Hugging Face Space means for a training: whether files survive a restart, and when the Space would sleep.

Pure: the environment and the mounts of a machine in, facts and words out. From the documentation of Spaces: files are
lost at a restart, but for a bucket that is mounted (by NFS or FUSE, https://huggingface.co/docs/hub/storage-buckets);
cpu-basic, with 2 cores, sleeps after 48 hours without a visitor, and other hardware never unless a sleep time is set
(https://huggingface.co/docs/hub/spaces-gpus). No variable tells of a sleep time.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path("/")
"""The folder that holds ``data`` and ``proc``."""
BASIC_CORES = 2
"""Of cpu-basic; cpu-upgrade has 8."""
CPU = ("", "none", "cpu")
"""What ``ACCELERATOR`` says where there is no GPU."""
REMOTE = ("nfs", "fuse", "9p", "virtiofs", "ceph")
"""How the types of file systems begin that are kept elsewhere. An image's own volume is on a disk of the machine."""


@dataclass(frozen=True)
class Space:
    """The Space that this program runs on."""

    is_kept: bool
    """True if the workspace is on storage that outlives a restart."""
    is_basic: bool
    """True for cpu-basic, which sleeps after 48 hours."""
    is_zero: bool
    """True for ZeroGPU, where nothing can be trained."""

    @property
    def words(self) -> str:
        """What a person who trains here has to know and can do, in two or three short sentences."""
        return f"{self.keeps} {self.sleeps}"

    @property
    def keeps(self) -> str:
        """What becomes of runs and models, and what to do about it; or that nothing can be trained."""
        if self.is_zero:
            return ZERO
        if self.is_kept:
            return "Runs and models survive a restart of this Space, on the storage at /data."
        return (
            "This Space loses its runs and models when it restarts or sleeps: mount a bucket at /data, or download the "
            "result at once."
        )

    @property
    def sleeps(self) -> str:
        """When it would sleep, and what to do about it."""
        if self.is_zero:
            return INSTEAD
        if self.is_basic:
            return "It sleeps after 48 hours without a visitor, also while it trains: visit it, or upgrade it."
        return "If a sleep time is set, it sleeps without visitors, also while it trains: set it to -1."


ZERO = "This Space runs on ZeroGPU, which lends a GPU for a minute at a time, so nothing can be trained here."
INSTEAD = "Make a Docker Space of it, on hardware of its own."


def space(workspace: Path, environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> Space | None:
    """The Space with the ``workspace``, as the ``environment`` tells; None on any other machine."""
    if not environment.get("SPACE_ID"):
        return None
    cores = environment.get("CPU_CORES", "")
    has_gpu = environment.get("ACCELERATOR", "").lower() not in CPU
    return Space(
        is_kept=is_kept(workspace, root),
        is_basic=not has_gpu and cores.isdigit() and int(cores) <= BASIC_CORES,
        is_zero=environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "true", "yes", "on")
        or environment.get("ACCELERATOR", "").lower().startswith("zero"),
    )


def is_kept(workspace: Path, root: Path = ROOT) -> bool:
    """True if ``workspace`` can be written and is on storage that is mounted from elsewhere."""
    inside = PurePosixPath("/", os.path.relpath(workspace, root))
    mounts = [each for each in _mounts(root) if inside.is_relative_to(each[0])]
    _, kind = max(mounts, key=lambda each: len(each[0]), default=("", ""))
    return kind.startswith(REMOTE) and os.access(workspace, os.W_OK)


def _mounts(root: Path) -> list[tuple[str, str]]:
    """The place and the type of each file system that is mounted."""
    try:
        lines = (root / "proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [(each[1].replace("\\040", " "), each[2]) for each in words if len(each) > 2]
