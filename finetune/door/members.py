"""The people who may sign in, and the role of each."""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from finetune.door.passwords import hashed, is_right
from finetune.door.visitor import Role

Way = Literal["open", "password", "huggingface"]
"""``open``: nobody signs in, and everyone is an owner."""
Guests = Literal["none", "watch", "train"]
"""What those may do who sign in and are not on the list: nothing; see the owners' runs and ask their models; train."""


@cache
def no_one() -> str:
    """What the password of an unknown name is compared with, so that a known name takes no longer."""
    return hashed("")


@dataclass(frozen=True)
class Members:
    """Who may come in."""

    way: Way = "open"
    passwords: dict[str, str] = field(default_factory=dict)
    """Name -> hash of the password."""
    owners: frozenset[str] = frozenset()
    """Names, and organizations of Hugging Face; they see and do everything."""
    trainers: frozenset[str] | None = None
    """Names, and organizations, that may train; None is everyone with a password."""
    others: Guests = "watch"
    """What the rest may do."""

    def __post_init__(self):
        if self.passwords:
            no_one()  # it takes a tenth of a second, which the first sign-in would show

    @property
    def must_sign_in(self) -> bool:
        return self.way != "open"

    def role(self, name: str, groups: frozenset[str] = frozenset()) -> Role | None:
        """The role of who signed in as ``name`` and belongs to ``groups``; None if they may not come in."""
        if self.way == "password" and name not in self.passwords:
            return None
        own = {name, *groups}
        if own & self.owners:
            return "owner"
        if (self.trainers is None and self.way == "password") or own & (self.trainers or frozenset()):
            return "member"
        return {"none": None, "watch": "watcher", "train": "member"}[self.others]

    def knows(self, name: str, password: str) -> bool:
        """True if ``password`` is that of ``name``; an unknown name takes as long as a wrong password."""
        return is_right(password, self.passwords.get(name) or no_one()) and name in self.passwords

    def stamp(self, name: str) -> str:
        """Changes when the password of ``name`` does, and tells nothing about it."""
        return hashlib.sha256(self.passwords.get(name, "").encode()).hexdigest()[:16]
