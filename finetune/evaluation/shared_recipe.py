"""A recipe as it is passed on with a report or a model: without the folders of this machine."""

import re

from finetune.recipe import Recipe

PATHS = ("path", "also", "held_out", "replay", "id", "model", "teacher")
"""Settings that may name a file or a folder of this machine."""
ROOTED = re.compile(r"(?:/|~|[A-Za-z]:|\\)")


def shared(recipe: Recipe) -> Recipe:
    """``recipe`` as others may read it: a path from the root of this machine is the name of its file alone."""
    return Recipe.from_dict(_without_folders(recipe.to_dict()))


def _without_folders(value: object, key: str = "") -> object:
    match value:
        case dict():
            return {name: _without_folders(each, str(name)) for name, each in value.items()}
        case list() | tuple():
            return [_without_folders(each, key) for each in value]
        case str() if key in PATHS and ROOTED.match(value):
            return re.split(r"[/\\]", value)[-1] or "data"
    return value
