"""What all commands share: how they are added to the parser, ``--set``, and the answer on stdout."""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from finetune import modes, yaml_text
from finetune.errors import FinetuneError
from finetune.runs.workspace import Workspace
from finetune.terminal import plain_json, plain_line

INTERRUPTED = 130
"""The exit code of a program that Ctrl+C has ended."""
WRITE_AS = "Write it as setting=value, e.g. training.epochs=2."
Work = Callable[[argparse.Namespace, Workspace], int]
"""What a command does with its options in a workspace; returns the exit code."""


class Commands:
    """The commands of a parser."""

    def __init__(self, top: argparse.ArgumentParser):
        self._added = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(self, name: str, work: Work, text: str) -> argparse.ArgumentParser:
        """The parser of a new command, for its own options; ``text`` is its help, without capital and full stop."""
        command = self._added.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("--json", action="store_true", help="print the answer as one JSON object, and no progress")
        command.set_defaults(work=work)
        return command


def between(least: float, most: float, kind: type = int) -> Callable[[str], float]:
    """The ``type`` of an option that takes a number of ``kind`` from ``least`` to ``most``."""

    def number(text: str) -> float:
        try:
            if least <= (found := kind(text)) <= most:
                return found
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:,} to {most:,}")

    return number


SEED, ROWS, TOKENS = between(0, 2**31 - 1), between(1, 100_000), between(1, 4096)
"""The ``type`` of an option that takes a seed, a number of rows, or of tokens of an answer."""


@contextmanager
def writing(to: Path) -> Iterator[None]:
    """Inside, ``to`` is written, at a place of the person's own; ``FinetuneError`` if it cannot be."""
    try:
        with modes.elsewhere(to.parent):
            yield
    except OSError as error:
        raise FinetuneError(f"{to} cannot be written: {error.strerror}.", "Choose another file.") from None


def take_settings(command: argparse.ArgumentParser, text: str) -> None:
    """Let ``command`` take ``--set SETTING=VALUE``, any number of times; ``text`` is the help."""
    command.add_argument("--set", action="append", default=[], metavar="SETTING=VALUE", help=text)


def settings(texts: Iterable[str]) -> dict[str, object]:
    """Each ``SETTING=VALUE`` as the setting's path and its value, the last one where a setting comes twice.

    ``FinetuneError`` if there is no value, or one that is not YAML.
    """
    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise FinetuneError(f"--set {text} has no value.", WRITE_AS)
        found.pop(name, None)  # settings are replaced in their order, and one may lie inside another
        try:
            found[name] = yaml_text.read(value)
        except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, RecursionError):
            raise FinetuneError(f"--set {text}: the value is not YAML.", WRITE_AS) from None
    return found


def answer(options: argparse.Namespace, facts: dict, lines: list[str]) -> int:
    """Print ``facts`` as JSON, or the same as ``lines`` for a person; the exit code of a success."""
    print(plain_json(json.dumps(facts, ensure_ascii=False)) if options.json else "\n".join(map(plain_line, lines)))
    return 0
