"""A visitor: who sends a request, and what they may see, change and start."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["owner", "member", "watcher", "guest"]
"""``owner`` sees and does everything. A ``member`` trains, and sees what is theirs. A ``watcher`` sees the owners' runs
and asks their models. A ``guest`` came by the link of a blind test and sees that alone."""


@dataclass(frozen=True)
class Visitor:
    """Who sends a request. Where nobody has to sign in, everyone is an owner without a name."""

    key: str
    """For whom limits are counted: the name, or the address if there is no name."""
    name: str | None = None
    """The name they signed in with; what they make belongs to it."""
    role: Role = "owner"
    owners: frozenset[str] = frozenset()
    """The names of all owners."""

    @property
    def may_train(self) -> bool:
        """True if they may upload data, and start, change and delete what is theirs."""
        return self.role in ("owner", "member")

    def may_see(self, owner: str | None) -> bool:
        """True if they may read what belongs to ``owner``; None is what was made without a sign-in."""
        if self.role == "watcher":
            return owner is None or owner in self.owners
        return self.may_change(owner)

    def may_change(self, owner: str | None) -> bool:
        """True if they may change, continue and delete what belongs to ``owner``."""
        return self.role == "owner" or (self.role == "member" and owner is not None and owner == self.name)


NOBODY = Visitor(key="", role="guest")
"""Someone who may do nothing: whoever asks without being known is this one."""


def visitor_of(scope: dict) -> Visitor:
    """The visitor that ``finetune.door.identity`` put into the ``scope`` of a request; ``NOBODY`` if there is none."""
    return scope.get("state", {}).get("visitor", NOBODY)
