"""The data that ships with the studio, as the Data tab offers it."""

from html import escape
from pathlib import PurePosixPath

import yaml

from finetune.paths import ASSETS

FOLDER = "assets/samples"
"""Their folder, as a recipe names it."""
GENERAL = f"{FOLDER}/general.jsonl"
"""Replay data for the starter model: rows of what it can do already."""


def sample_entries() -> list[dict[str, str]]:
    """The samples that ship with the product: file, title, line."""
    return yaml.safe_load((ASSETS / "samples.yaml").read_text(encoding="utf-8"))


def sample_list() -> str:
    """The samples as buttons."""
    buttons = "".join(
        f"<li><button type='button' class='sample' data-pick='{escape(entry['file'])}'><b>{escape(entry['title'])}</b>"
        f"<span>{escape(entry['line'])}</span></button></li>"
        for entry in sample_entries()
    )
    return f"<h3 class='or'>or try a sample</h3><ul class='samples'>{buttons}</ul>"


def title_of(path: str) -> str:
    """The title of the data at ``path``: that of a sample, or the name of a file."""
    if path == GENERAL:
        return "Replay data of the starter"
    titles = {f"{FOLDER}/{entry['file']}": entry["title"] for entry in sample_entries()}
    return titles.get(path) or PurePosixPath(path).name
