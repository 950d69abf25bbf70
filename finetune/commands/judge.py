"""The judge that a command names."""

import argparse

from pydantic import ValidationError

from finetune.errors import RunError
from finetune.rewards.judge import Judge
from finetune.settings import problems_of


def judge_of(options: argparse.Namespace) -> Judge | None:
    """The judge of ``--judge``, ``--endpoint`` and ``--criteria``, if one is named; else ``None``."""
    if not options.judge:
        return None
    given = {"model": options.judge, "endpoint": options.endpoint, "criteria": options.criteria}
    try:
        return Judge.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise RunError("The judge cannot be asked.", problems=tuple(problems_of(error))) from None
