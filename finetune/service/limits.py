"""How much people may leave waiting: of runs, which keep the machine busy long after whoever asked has gone.

There is no limit on how long a run takes: whoever may see it can pause it or stop it.
"""

from dataclasses import dataclass

from finetune.errors import RunError
from finetune.format import counted


@dataclass(frozen=True)
class Limits:
    """At most so many runs wait."""

    each: int = 20
    """Of one person, where people sign in."""
    in_all: int = 100
    """Of everyone: more than the 64 runs of the largest sweep."""

    def require_room(self, owners: list[str | None], owner: str | None, more: int = 1) -> None:
        """``RunError`` unless ``more`` runs of ``owner`` may wait beside those of ``owners``."""
        mine = owners.count(owner)
        if owner is not None and mine + more > self.each:
            raise _full(f"{counted(mine, 'run')} of yours", mine, self.each, more)
        if len(owners) + more > self.in_all:
            raise _full(counted(len(owners), "run"), len(owners), self.in_all, more)


def _full(who: str, waiting: int, most: int, more: int) -> RunError:
    asked = f", and these are {more} more" if more > 1 else ""
    return RunError(
        f"{who} {'waits' if waiting == 1 else 'wait'} already{asked}; at most {most} may.",
        "Try again once a run has begun, or remove some from the queue on the Train tab.",
    )
