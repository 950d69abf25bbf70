"""What the command line and the environment say about the door."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from finetune.door import huggingface
from finetune.door.budget import Budget
from finetune.door.hosts import Hosts, is_loopback
from finetune.door.members import Guests, Members
from finetune.door.passwords import people_in
from finetune.errors import SettingError

SECRETS = ("FINETUNE_AUTH",)
"""Variables of the environment that only the server itself needs."""


@dataclass(frozen=True)
class Door:
    """Who may come in, and under which names the server is reached."""

    members: Members = Members()
    hosts: Hosts = Hosts.of("127.0.0.1")
    is_space: bool = False
    is_shared: bool = False
    """True if others than the person at this machine can reach it."""

    @property
    def is_owners_alone(self) -> bool:
        """True if whoever comes in is an owner of this machine, so that its own accounts elsewhere may be used."""
        if not self.members.must_sign_in:
            return not self.is_shared
        return self.members.way == "password" and set(self.members.passwords) <= self.members.owners

    @property
    def budget(self) -> Budget:
        """What each visitor may ask of the server."""
        return Budget.shared(self.is_space) if self.is_shared else Budget.local()

    @property
    def words(self) -> str:
        """Who may do what, in a sentence for the terminal; empty where the machine's own user alone comes in."""
        if not self.is_shared and not self.members.must_sign_in:
            return ""
        if not self.members.must_sign_in:
            return "Nobody has to sign in: everyone who can reach it may see, change and delete everything."
        owners = ", ".join(sorted(self.members.owners))
        rest = {"none": "others may not come in", "watch": "others may watch and ask", "train": "others may train"}
        words = (
            f"Owners, who see everything: {owners}. " if owners else "No owner is named (--owner), so none sees all. "
        )
        if self.members.way == "password" and self.members.trainers is None:
            return f"{words}Everyone with a password may train, and sees what is theirs."
        trainers = ", ".join(sorted(self.members.trainers or ()))
        return f"{words}May train: {trainers or 'owners'}; {rest[self.members.others]}."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the door, in a group of their own."""
    group = parser.add_argument_group("who may come in")
    group.add_argument(
        "--auth",
        action="append",
        default=[],
        metavar="NAME:PASSWORD",
        help="a person who may sign in; several times for several. Other programs of this machine can read it: a file "
        "or FINETUNE_AUTH keeps it to yourself",
    )
    group.add_argument(
        "--auth-file",
        type=Path,
        metavar="FILE",
        help="a file with one NAME:PASSWORD per line; `python -m finetune password` makes a hash to write instead",
    )
    group.add_argument("--owner", action="append", default=[], metavar="NAME", help="a person who sees everything")
    group.add_argument(
        "--trainer", action="append", default=[], metavar="NAME", help="a person who may train; without it, all may"
    )
    group.add_argument(
        "--others",
        choices=get_args(Guests),
        default=os.environ.get("FINETUNE_OTHERS", "watch"),
        help="what the rest of those who sign in may do (default: watch)",
    )
    group.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further name this server is reached under"
    )
    group.add_argument(
        "--insecure", action="store_true", help="let everyone in who can reach this server, without a password"
    )


def door_of(given: argparse.Namespace) -> Door:
    """The door that the options and the environment describe; ``SettingError`` if others could come in unasked."""
    space = bool(os.environ.get("SPACE_ID"))
    members = _members(given, space)
    is_shared = space or not is_loopback(given.host)
    if is_shared and not space and not members.must_sign_in and not given.insecure:
        raise SettingError(
            f"At {given.host} others could reach Finetune Studio, and nobody would have to sign in.",
            "Name who may (--auth name:password, or FINETUNE_AUTH), or start it with --insecure.",
        )
    also = (*given.allow_host, *_listed("FINETUNE_ALLOW_HOST"), *_listed("SPACE_HOST"))
    return Door(members, Hosts.of("" if space else given.host, also), space, is_shared)


def forget_secrets() -> None:
    """Take the passwords out of the environment, which every process that this one starts would inherit."""
    for name in SECRETS:
        os.environ.pop(name, None)


def _members(given: argparse.Namespace, space: bool) -> Members:
    if given.others not in get_args(Guests):
        raise SettingError(f"FINETUNE_OTHERS is {given.others!r}.", f"Use one of {', '.join(get_args(Guests))}.")
    people = _people(given)
    owners = frozenset((*given.owner, *_listed("FINETUNE_OWNERS")))
    trainers = frozenset((*given.trainer, *_listed("FINETUNE_TRAINERS"))) or None
    if people:
        unknown = sorted((owners | (trainers or frozenset())) - set(people))
        if unknown:
            raise SettingError(f"{unknown[0]} has no password.", "Give each owner and trainer one with --auth.")
        return Members("password", people, owners or _alone(people), trainers, given.others)
    if space and huggingface.is_offered():
        author = os.environ.get("SPACE_AUTHOR_NAME")
        return Members("huggingface", {}, owners or frozenset({author} if author else ()), trainers, given.others)
    if owners or trainers:
        raise SettingError("Owners and trainers are named, and nobody can sign in.", "Give them passwords with --auth.")
    return Members()


def _people(given: argparse.Namespace) -> dict[str, str]:
    people = people_in(given.auth, "What --auth was given")
    if given.auth_file:
        try:
            lines = given.auth_file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise SettingError(
                f"The file {given.auth_file} cannot be read.", "Check the path of --auth-file."
            ) from None
        people |= people_in(lines, f"A line of {given.auth_file}")
        if not people:
            raise SettingError(f"{given.auth_file} names nobody.", "Write one name:password per line.")
    return people | people_in(os.environ.get("FINETUNE_AUTH", "").split(), "What FINETUNE_AUTH holds")


def _alone(people: dict[str, str]) -> frozenset[str]:
    """The one person there is, who is then the owner."""
    return frozenset(people) if len(people) == 1 else frozenset()


def _listed(variable: str) -> list[str]:
    """The words in a variable of the environment, separated by commas or spaces."""
    return os.environ.get(variable, "").replace(",", " ").split()
