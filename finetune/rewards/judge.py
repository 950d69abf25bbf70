"""A judge: another model rates the answer by criteria in words (RLAIF)."""

import os
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from finetune.redaction import holds_secret
from finetune.rewards.reward import Reward, Scores
from finetune.settings import model_id

KEY = "FINETUNE_JUDGE_KEY"
"""The environment variable with the key for an endpoint; no recipe, event or log has it."""


def _is_address(address: str | None) -> str | None:
    if address is not None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("An endpoint is an address such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password or holds_secret(address):
            raise ValueError(f"A key does not belong into a recipe; set the environment variable {KEY}")
    return address


class Judge(Reward):
    """The points that another model gives the answer, from 0 to 10, divided by ten; None where it gives none."""

    type: Literal["judge"] = "judge"
    model: str = Field(..., min_length=1, max_length=200)
    """The judge: a model of this workspace, or its name at the endpoint."""
    endpoint: Annotated[str | None, AfterValidator(_is_address)] = Field(None, max_length=500)
    """Address of an OpenAI-compatible server, such as ``http://127.0.0.1:8000/v1``. Left empty: the judge runs here.
    Questions and answers are sent there."""
    criteria: str = Field("The answer is correct, helpful and clear.", min_length=1, max_length=4000)
    """What a good answer is, in words."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.endpoint is None:  # elsewhere it is not the name of a folder
            model_id(self.model)
        return self

    order: ClassVar[int] = 110
    title: ClassVar[str] = "A judge"
    plain: ClassVar[str] = "Another model, here or behind an address of yours, gives points by criteria that you write."
    example: ClassVar[str] = "judge: {model: starter, criteria: The answer is short and kind.}"

    def wants(self) -> dict[str, Any]:
        """The judge itself."""
        return {"judge": self}

    def scores(self, helpers: dict[str, Any]) -> Scores:
        """``helpers["judge"]`` is the ``inference.judge.Judging`` of these settings."""
        return lambda answers: helpers["judge"].points([(list(each.messages), each.text) for each in answers])


def key() -> str | None:
    """The key for the endpoint, from the environment."""
    return os.environ.get(KEY) or None
