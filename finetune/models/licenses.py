"""The license of a base model: what its folder, or the list of known models, says of it, and what it asks for.

Nothing is asked of a network. What is not said stays unknown.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from finetune import yaml_text
from finetune.models.known import known_models
from finetune.models.locate import STARTER
from finetune.recipe import ModelSettings
from finetune.runs.run import Run

OTHER = "other"
TITLES = {
    "Apache 2.0": "apache-2.0",
    "MIT": "mit",
    "MIT, with Llama 3.1's": "mit",
    "Gemma terms of use": "gemma",
    "Llama 3.1 community license": "llama3.1",
    "Llama 3.2 community license": "llama3.2",
    "Llama 3.3 community license": "llama3.3",
    "Llama 4 community license": "llama4",
}
"""Licenses of the list of known models, as the Hub calls them."""
NAMES = {key: title for title, key in reversed(TITLES.items())}
"""The same the other way round, as a person calls them."""
TEXTS = (
    (r"llama (2|3|3\.1|3\.2|3\.3|4) community license agreement", r"llama\1"),
    (r"gemma terms of use", "gemma"),
    (r"apache license\s+version 2\.0", "apache-2.0"),
    (r"permission is hereby granted, free of charge, to any person", "mit"),
)
"""What the text of a license begins with, and the Hub's name of it."""
CARD, LICENSE_FILES = "README.md", "LICENSE*"
FRONT = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
HEAD_BYTES = 2**18
"""How much of a file is read."""
NAMED = re.compile(r"[\w][\w. -]{0,79}")
LINK = re.compile(r"https?://[^\s\"'<>()\[\]`]{1,300}")

BUILT = (
    "whoever passes it on must show “Built with {name}”, begin the model's name with “{name}”, add a copy of the "
    "license, and keep to its acceptable use policy"
)
ASKS = (
    (r"llama3", BUILT.format(name="Llama 3").replace("Built with Llama", "Built with Meta Llama")),
    (r"llama(?:3\.\d|4)", BUILT.format(name="Llama")),
    (r"llama2", "whoever passes it on must add a copy of the license and keep to its acceptable use policy"),
    (r"gemma", "whoever passes it on must pass on its limits of use, with a copy of the terms"),
    (r".*(?:openrail|rail-).*", "it limits what the model may be used for, and whoever passes it on must pass that on"),
    (r".*-nc(?:-.*|\b).*|.*non-?commercial.*|.*research.*|apple-amlr|mnpl", "it forbids commercial use"),
    (r".*-nd(?:-.*|\b).*", "it forbids passing on what was changed"),
    (r"other", "its terms are its own: read them before you pass it on"),
)
"""What a license asks of whoever passes a tuned model on: the Meta Llama 3 license (1.b.i), those of Llama 3.1 to 4
(1.b.i), that of Llama 2 (1.b), the Gemma terms of use (3.1), and what the Creative Commons and RAIL names stand for."""


@dataclass(frozen=True)
class License:
    """A license of a model."""

    key: str
    """As the Hub calls it: ``apache-2.0``, ``llama3.1``, ``other``."""
    name: str = ""
    """The name of one that the Hub calls ``other``."""
    link: str = ""
    """Where the text of such a one is."""
    also: str = ""
    """The key of another one that holds beside it."""

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.name if self.key == OTHER and self.name else NAMES.get(self.key, self.key)

    @property
    def restrictions(self) -> tuple[str, ...]:
        """What it forbids or asks for, as ends of sentences; none if it asks for little."""
        names = (self.key, self.name.lower(), self.also)
        return tuple(dict.fromkeys(words for name in names for pattern, words in ASKS if re.fullmatch(pattern, name)))

    @property
    def warning(self) -> str:
        """The same as a sentence; empty without any."""
        if not self.restrictions:
            return ""
        asked = "; ".join(self.restrictions)
        return f"The base has a license that restricts ({self.title}): {asked}."


def license_of(model: ModelSettings, models_dir: Path) -> License | None:
    """The license of ``model``; None if it is not known here. ``models_dir`` has the model folders of the workspace."""
    from finetune.models.download import find_cached

    if model.id == "starter":
        return in_folder(STARTER)
    local = models_dir / model.id
    folder = local if "/" not in model.id and local.is_dir() else find_cached(model)
    return (in_folder(folder) if folder else None) or _known(model.id)


def license_of_base(run: Run) -> License | None:
    """The license of the base of ``run``; None if it is not known here."""
    return license_of(run.as_trained.model, run.path.parent.parent / "models")


def in_folder(folder: Path) -> License | None:
    """What the model card in ``folder`` says, or the text of its license file; None if neither says anything known."""
    return _of_card(folder / CARD) or next(filter(None, map(_of_text, sorted(folder.glob(LICENSE_FILES)))), None)


def _of_card(path: Path) -> License | None:
    found = FRONT.match(_head(path))
    try:
        told = yaml_text.read(found[1]) if found else None
    except yaml.YAMLError:
        return None
    if not isinstance(told, dict):
        return None
    key = told.get("license")
    key = key[0] if isinstance(key, list) and len(key) == 1 else key
    if not isinstance(key, str) or not NAMED.fullmatch(key):
        return None
    name, link = (told.get(each) for each in ("license_name", "license_link"))
    return License(
        key.lower(),
        name if isinstance(name, str) and NAMED.fullmatch(name) else "",
        link if isinstance(link, str) and LINK.fullmatch(link) else "",
    )


def _of_text(path: Path) -> License | None:
    text = " ".join(_head(path).lower().split())
    for pattern, key in TEXTS:
        if found := re.search(pattern, text):
            return License(found.expand(key))
    return None


def _head(path: Path) -> str:
    """The beginning of a text file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _known(model_id: str) -> License | None:
    title = next((known.license for known in known_models() if known.id == model_id), "")
    if not title:
        return None
    also = "llama3.1" if title == "MIT, with Llama 3.1's" else ""
    return License(TITLES[title], also=also) if title in TITLES else License(OTHER, title)
