"""``password``: a line for the file of those who may sign in."""

import getpass
import sys

from finetune.commands.command import Commands, answer
from finetune.door.passwords import hashed, people_in
from finetune.errors import SettingError
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the command of this file."""
    text = "ask for a password and print the line for --auth-file, which holds its hash alone"
    commands.add("password", make_line, text).add_argument("name", help="who may sign in with it")


def make_line(options, workspace: Workspace) -> int:
    """Print ``name:hash``; the password is typed, or read from stdin where that is no terminal."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise SettingError("The two passwords differ.", "Type the same one twice.")
    else:
        password = sys.stdin.readline().rstrip("\n")
    people_in([f"{options.name.replace(':', ' :')}:{password}"], "This")  # no name has a colon
    line = f"{options.name}:{hashed(password)}"
    return answer(options, {"line": line}, [line])
