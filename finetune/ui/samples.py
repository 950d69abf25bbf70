"""The data that ships with the studio, as the Data tab offers it."""

from html import escape

import yaml

from finetune.workspace import ASSETS


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
