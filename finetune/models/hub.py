"""Whose access to the Hub this process uses: that of the machine's owner, or that of anybody.

The token of the owner (``HF_TOKEN``, ``hf auth login``) opens their private models. On the command line, and on a page
that only they can open, a person is the owner. On a page that is open to others nobody is: there ``share_token(False)``
is called before the first request, and no recipe, run or later resume of one can bring the token back, because what
decides is the process and not the recipe.

The switch is the environment variable of the Hub's own client. So the processes of a distributed training inherit it,
and the other libraries (Transformers, datasets) obey it too. What the owner downloaded with the token stays in the same
cache: without the token a model counts as downloaded only if it was public then (``open_to_all``).
"""

import os
import sys
from pathlib import Path
from typing import Literal

VARIABLE = "HF_HUB_DISABLE_IMPLICIT_TOKEN"
AS_FOUND = os.environ.get(VARIABLE)
"""What the owner set it to themselves."""
OPEN_TO_ALL = ".open-to-all"
"""The name of the file that marks a model of the cache as one that anybody may download."""


def share_token(allowed: bool) -> None:
    """Let this process, and those that it starts, use the owner's token; or let them not. Without a call, they may."""
    if allowed and AS_FOUND is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = AS_FOUND if allowed else "1"
    if constants := sys.modules.get("huggingface_hub.constants"):  # it has read the variable already
        constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = not is_shared()


def is_shared() -> bool:
    """True if the owner's token may be used."""
    return os.environ.get(VARIABLE, "").upper() not in ("1", "ON", "YES", "TRUE")


def token() -> Literal[False] | None:
    """What every function of the Hub's client is given as its ``token``: None for the owner's, False for none."""
    return None if is_shared() else False


def mark_open(cache: Path) -> None:
    """Mark a model in the ``cache`` as one that anybody may download."""
    if cache.is_dir():
        (cache / OPEN_TO_ALL).touch()


def open_to_all(cache: Path) -> bool:
    """True if whoever uses this process may use the model that was downloaded to ``cache``."""
    return is_shared() or (cache / OPEN_TO_ALL).is_file()
