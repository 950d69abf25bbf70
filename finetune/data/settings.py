"""The training data of a run, and how it is read."""

from typing import Literal

from pydantic import Field, field_validator

from finetune.data.fixes import Fix, FixChoice
from finetune.data.readers import READABLE
from finetune.data.readers.encoding_names import TITLES
from finetune.settings import FilePath, Name, Names, Settings, require_size

MOST_OF_FIXES = 1_000_000
"""Characters of all fixes together; a recipe with more belongs into the data file."""


class Mixed(Settings):
    """One more data set, mixed into the main one."""

    path: FilePath
    """The file, or ``hf://datasets/OWNER/NAME`` for a dataset on the Hugging Face Hub."""
    format: Name = "auto"
    """The format of a row; ``auto`` detects it."""
    columns: Names = {}
    """Field mapping, where detection does not find the columns."""
    weight: float = Field(1.0, gt=0, le=100)
    """Rows per row of the main data set: 0.5 is one for two."""


class DataSettings(Settings):
    """The data of a recipe."""

    path: FilePath = Field(
        description=f"The training data: a file ({READABLE}) in the workspace or the project; or "
        "``hf://datasets/OWNER/NAME`` for a dataset on the Hugging Face Hub."
    )
    also: tuple[FilePath, ...] = Field((), max_length=50)
    """Further files with the same columns, appended to the first."""
    config: str | None = Field(None, max_length=100)
    """Configuration of a dataset on the Hub, if it has several."""
    split: str | None = Field(None, max_length=100)
    """Split of a dataset on the Hub; by default ``train``."""
    encoding: Literal[tuple(TITLES)] = "auto"
    """Encoding of a text file; ``auto`` is UTF-8, or what the file's byte-order mark says, and never a guess."""
    sheet: str | None = Field(None, max_length=300)
    """Sheet of a workbook, or file in an archive, if it has several; by default the first sheet that is a table."""
    whole_text: bool = False
    """Read a text file as one row instead of one row per paragraph."""
    split_long: bool = False
    """Long texts are cut into pieces of the maximum length where a paragraph or a sentence ends, and not truncated."""
    format: Name = "auto"
    """The format (schema) of a row; ``auto`` detects it and reports why."""
    columns: Names = {}
    """Field mapping, where detection does not find the columns: a column for each field, e.g. ``{prompt: question,
    completion: reply}``, or several columns combined, e.g. ``{prompt: "{subject}: {body}"}``."""
    roles: Names = {}
    """Roles of speakers with other names, e.g. ``{customer: user, agent: assistant}``."""
    threshold: float | None = Field(None, allow_inf_nan=False)
    """Rated answers on a scale: ratings from this number on are good, lower ones are bad."""
    system: str | None = Field(None, max_length=4000)
    """System prompt for every conversation that has none."""
    fixes: tuple[FixChoice, ...] = Field((), max_length=1000)
    """Fixes: changes to the rows before training, in this order. The file itself stays unchanged."""
    held_out: FilePath | None = None
    """File of held-out rows, beside the data or uploaded; by default ``NAME.held-out.jsonl`` or a part of the data."""
    held_out_share: float = Field(0.1, ge=0, le=0.5)
    """Share of rows that are held out for evaluation and never trained on, if there is no file of them."""
    group: Name | None = None
    """Grouped split: rows with equal values in this column stay in one part, e.g. the customer or the conversation."""
    stratify: Name | None = None
    """Stratified split: the values of this column have the same shares in both parts, e.g. the label."""
    mix: tuple[Mixed, ...] = Field((), max_length=20)
    """Further data sets, mixed into this one."""
    replay: FilePath | None = None
    """Replay data: a file of general conversation, mixed in against catastrophic forgetting of its abilities."""
    replay_share: float = Field(0.1, ge=0, le=0.9)
    """Share of replay data among all training rows."""

    @field_validator("fixes")
    @classmethod
    def _check(cls, fixes: tuple[Fix, ...]) -> tuple[Fix, ...]:
        require_size([fix.model_dump() for fix in fixes], MOST_OF_FIXES)
        return fixes

    @property
    def fixes_everywhere(self) -> tuple[Fix, ...]:
        """Those ``fixes`` that also apply to held-out rows and to mixed-in data sets, which are other files."""
        return tuple(fix for fix in self.fixes if fix.everywhere)

    @property
    def meanings(self) -> dict[str, str]:
        """The meanings of names in the rows: ``roles``, and the ratings from ``threshold`` on."""
        return self.roles if self.threshold is None else {**self.roles, f">={self.threshold:g}": "good"}

    def changed(self, **settings: object) -> "DataSettings":
        """These settings with some replaced; a value out of bounds raises ``pydantic.ValidationError``."""
        return DataSettings.model_validate({**self.model_dump(), **settings})
