"""The rewards: what counts as a good answer, checked by a program. One file each, found by being there.

reward       the base class, and what a reward is told of an answer
number       the last number of the answer is the expected one
text         the answer is, or contains, the expected text
label        the answer is one of these labels
pattern      the answer matches a regular expression
json_form    the answer is JSON, and as a schema says
length       the answer has the right length
language     the answer is in this language
repetition   the answer does not repeat itself
expression   a small formula over the answer and the columns of the row
formula      the grammar of that formula, parsed and never evaluated as code
scorer       a reward model of this workspace rates the answer
judge        another model, here or behind an OpenAI-compatible endpoint, rates the answer

How to add one:

1. A file here with a subclass of ``Reward``: a ``type`` of its own, settings (a docstring under each is its help), its
   words, and ``score``.
2. ``tests/rewards/test_NAME.py``, and ``python -m tests.docs --write`` for the table of the README.
"""

import sys
from typing import Annotated, Any, Union

import yaml
from pydantic import BeforeValidator, Field

from finetune import yaml_text
from finetune.registry import discover
from finetune.rewards.reward import Answered, Reward

REWARDS: dict[str, type[Reward]] = {
    cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Reward)
}


def read_reward(given: Any) -> Any:
    """The settings that ``given`` stands for: a line such as ``number`` or ``length: {maximum: 20}``, or settings.

    What is neither is returned as it is, and refused where settings are read.
    """
    if isinstance(given, str):
        try:
            given = yaml_text.read(given)
        except (yaml.YAMLError, ValueError, RecursionError):
            raise ValueError("This line is not YAML: write, for instance, length: {maximum: 20}") from None
    if isinstance(given, str):
        return {"type": given}
    if isinstance(given, dict) and "type" not in given and len(given) == 1:
        ((name, settings),) = given.items()
        if settings is None or isinstance(settings, dict):
            return {"type": name, **(settings or {})}
    return given


RewardChoice = Annotated[
    Annotated[Union[tuple(REWARDS.values())], Field(discriminator="type")], BeforeValidator(read_reward)
]

__all__ = ["REWARDS", "Answered", "Reward", "RewardChoice", "read_reward"]
