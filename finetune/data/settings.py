"""Which rows a run learns from, and how they are read."""

from typing import Literal

from pydantic import Field

from finetune.data.fixes import Fix, FixChoice
from finetune.data.readers import READABLE
from finetune.settings import Settings


class Mixed(Settings):
    """One more data set that is learnt from beside the main one."""

    path: str
    """The file, or ``hf://datasets/OWNER/NAME`` for a dataset on the Hugging Face Hub."""
    format: str = "auto"
    """What a row looks like; ``auto`` looks at the rows."""
    columns: dict[str, str] = {}
    """Which column plays which part, where it cannot be told."""
    weight: float = Field(1.0, gt=0, le=100)
    """How many of its rows come for each row of the main data set: 0.5 is one for two."""


class DataSettings(Settings):
    """The data of a recipe."""

    path: str = Field(
        description=f"The training data: a file ({READABLE}) in the workspace or the project; or "
        "``hf://datasets/OWNER/NAME`` for a dataset on the Hugging Face Hub."
    )
    also: tuple[str, ...] = Field((), max_length=50)
    """Further files with the same columns, read after the first as if they were one."""
    config: str | None = Field(None, max_length=100)
    """Which configuration of a dataset on the Hub, where it has several."""
    split: str | None = Field(None, max_length=100)
    """Which split of a dataset on the Hub; without it, ``train``."""
    encoding: Literal["auto", "utf-8", "utf-16", "latin-1", "cp1252"] = "auto"
    """How letters are written in the file; ``auto`` takes UTF-8, or what the file says of itself, and never guesses."""
    whole_text: bool = False
    """Take a text file as one row, instead of one row for each paragraph."""
    format: str = "auto"
    """What a row looks like; ``auto`` looks at the rows and says what it found."""
    columns: dict[str, str] = {}
    """Which column plays which part, e.g. ``{prompt: question, completion: reply}``, where it cannot be told; or
    several columns put together, e.g. ``{prompt: "{subject}: {body}"}``."""
    roles: dict[str, str] = {}
    """Who is who in conversations with names of their own, e.g. ``{customer: user, agent: assistant}``."""
    system: str | None = Field(None, max_length=4000)
    """An instruction put before every conversation that has none."""
    fixes: tuple[FixChoice, ...] = Field((), max_length=1000)
    """What is changed in the rows before they are learnt from, in this order; the file stays as it is."""
    held_out: str | None = None
    """A file of rows kept for checking: beside the data, or an upload. Else ``NAME.held-out.jsonl``, or a split."""
    held_out_share: float = Field(0.1, ge=0, le=0.5)
    """Share of the rows kept for checking and never learnt from, where there is no file of them."""
    group: str | None = None
    """A column whose equal values stay together on one side of the split, e.g. the customer or the conversation."""
    stratify: str | None = None
    """A column whose values come in the same shares on both sides of the split, e.g. the label."""
    mix: tuple[Mixed, ...] = Field((), max_length=20)
    """Further data sets that are learnt from beside this one."""
    replay: str | None = None
    """A file of general rows mixed in, so that the model does not forget what it could do before."""
    replay_share: float = Field(0.1, ge=0, le=0.9)
    """Share of all rows learnt from that are such general rows."""

    @property
    def fixes_everywhere(self) -> tuple[Fix, ...]:
        """Those ``fixes`` that are also made to what is mixed in or kept for checking, which are other files."""
        return tuple(fix for fix in self.fixes if fix.everywhere)

    def changed(self, **settings: object) -> "DataSettings":
        """These settings with some replaced; a value out of bounds raises ``pydantic.ValidationError``."""
        return DataSettings.model_validate({**self.model_dump(), **settings})
