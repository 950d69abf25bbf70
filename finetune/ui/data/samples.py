"""The data that is there already, as the Data tab offers it: samples, and rows that a person made of answers."""

from html import escape
from pathlib import PurePosixPath

import yaml

from finetune import format
from finetune.paths import ASSETS
from finetune.runs.kept import COLLECTIONS, count
from finetune.runs.workspace import Workspace

FOLDER = "assets/samples"
"""Their folder, as a recipe names it."""
GENERAL = f"{FOLDER}/general.jsonl"
"""Replay data for the starter model: rows of what it can do already."""

KEPT = "kept:"
"""What the pick of a collection of kept rows begins with; its key follows."""


def sample_entries() -> list[dict[str, str]]:
    """The samples that ship with the product: file, title, line."""
    return yaml.safe_load((ASSETS / "samples.yaml").read_text(encoding="utf-8"))


def offers(workspace: Workspace) -> str:
    """What can be chosen by a click: the rows that a person made of answers, and the samples."""
    return _kept_list(workspace) + sample_list()


def sample_list() -> str:
    """The samples as buttons."""
    return _listed("or try a sample", [(each["file"], each["title"], each["line"]) for each in sample_entries()])


def _kept_list(workspace: Workspace) -> str:
    """The rows that a person made of answers, as buttons; empty without any."""
    counts = [(each, count(workspace, each)) for each in COLLECTIONS.values()]
    entries = [
        (f"{KEPT}{each.key}", f"{each.title}: {format.counted(rows, each.noun, each.plural)}", each.line)
        for each, rows in counts
        if rows
    ]
    return _listed("or use what you made on the Compare tab", entries) if entries else ""


def _listed(title: str, entries: list[tuple[str, str, str]]) -> str:
    """Buttons under a title; each entry is its pick, its title and its line."""
    buttons = "".join(
        f"<li><button type='button' class='sample' data-pick='{escape(pick)}'><b>{escape(name)}</b>"
        f"<span>{escape(line)}</span></button></li>"
        for pick, name, line in entries
    )
    return f"<h3 class='or'>{escape(title)}</h3><ul class='samples'>{buttons}</ul>"


def title_of(path: str) -> str:
    """The title of the data at ``path``: that of a sample, or the name of a file."""
    if path == GENERAL:
        return "Replay data of the starter"
    titles = {f"{FOLDER}/{entry['file']}": entry["title"] for entry in sample_entries()}
    return titles.get(path) or PurePosixPath(path).name
