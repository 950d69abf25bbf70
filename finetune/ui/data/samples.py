"""The data that ships with the studio, as the Data tab offers it."""

from html import escape
from pathlib import PurePosixPath

import yaml

from finetune.paths import ASSETS

FOLDER = "assets/samples"
"""Where they are, as a recipe writes it."""
GENERAL = f"{FOLDER}/general.jsonl"
"""Rows of what the starter model knows, to be mixed in against forgetting."""


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


def called(path: str) -> str:
    """What to call the data at ``path``: a sample's title, or the name of a file."""
    if path == GENERAL:
        return "What the starter model knows"
    titles = {f"{FOLDER}/{entry['file']}": entry["title"] for entry in sample_entries()}
    return titles.get(path) or PurePosixPath(path).name
