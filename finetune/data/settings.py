"""Which rows a run learns from, and how they are read."""

from pydantic import Field

from finetune.settings import Settings


class DataSettings(Settings):
    """The data of a recipe."""

    path: str
    """The file to learn from (CSV, TSV, JSON, JSONL, Parquet, Excel or text), in the workspace or the project."""
    format: str = "auto"
    """What a row looks like; ``auto`` looks at the rows and says what it found."""
    columns: dict[str, str] = {}
    """Which column plays which part, e.g. ``{prompt: question, completion: reply}``, where it cannot be told."""
    system: str | None = Field(None, max_length=4000)
    """An instruction put before every conversation that has none."""
    held_out: str | None = None
    """A file of rows kept for checking, beside the data; else ``NAME.held-out.jsonl`` there, or a share split off."""
    held_out_share: float = Field(0.1, ge=0, le=0.5)
    """Share of the rows kept for checking and never learnt from, where there is no file of them."""
