"""What a mend is: one change to the rows, written down so that it can be repeated and taken back."""

from typing import ClassVar

from pydantic import model_serializer

from finetune.data.dataset import Dataset
from finetune.data.table import Table
from finetune.settings import Settings


class Fix(Settings):
    """The base of all mends; a subclass is one file in ``finetune/data/fixes/``.

    Rows keep the numbers they have in the file, whatever is left out or added.
    """

    everywhere: ClassVar[bool] = False
    """True if it says nothing of this or that row, and so is also made to what is mixed in or kept for checking."""
    type: str

    @model_serializer(mode="wrap")
    def _with_type(self, write):
        # The type is each mend's default, and a recipe that leaves out defaults would not say what was done.
        return {"type": self.type, **write(self)}

    def on_table(self, table: Table) -> Table:
        """``table`` with this change made to its rows; a new table, or the same one if nothing changes."""
        return table

    def on_dataset(self, dataset: Dataset) -> Dataset:
        """``dataset`` with this change made to its examples, for what can only be told once rows are understood."""
        return dataset

    @property
    def words(self) -> str:
        """What was done, as a sentence: ``Rows 3, 7 and 12 were left out.``"""
        raise NotImplementedError
