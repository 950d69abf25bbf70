"""What a fix is: one change to the rows, recorded so that it can be reproduced and undone."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, model_serializer

from finetune.data.dataset import Dataset
from finetune.data.table import MAX_ROW_CHARACTERS, Table
from finetune.settings import Settings, require_size

Cells = Annotated[dict[str, object], AfterValidator(lambda values: require_size(values, MAX_ROW_CHARACTERS))]
"""Column -> its value in a row."""


class Fix(Settings):
    """The base of all fixes; a subclass is one file in ``finetune/data/fixes/``.

    Rows keep their numbers from the file, whatever is left out or added.
    """

    changes_examples: ClassVar[bool] = False
    """True if it has an ``on_example``."""
    everywhere: ClassVar[bool] = False
    """True if it names no particular row, so that it also applies to held-out rows and data sets that are mixed in."""
    fault: ClassVar[tuple[str, str]] = ("", "")
    """What a row has that this fix solves, in the singular and the plural, if rows are rejected for it."""
    button: ClassVar[str] = ""
    """The label of the button that offers it for such rows."""
    type: str

    @model_serializer(mode="wrap")
    def _with_type(self, write):
        # The type is each fix's default, and a recipe that leaves out defaults would not say which fix it is.
        return {"type": self.type, **write(self)}

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        """``table`` with this fix applied to its rows; the same table if nothing changes.

        ``roles`` are the roles of speakers with other names, as a person assigned them.
        """
        return table

    def on_example(self, example: dict) -> dict:
        """``example`` with this fix applied, where what matters is known only once a row is read."""
        return example

    def on_dataset(self, dataset: Dataset) -> Dataset:
        """``dataset`` with this fix applied to its examples, where rows alone do not suffice."""
        return dataset

    @property
    def words(self) -> str:
        """What was done, as a sentence: ``Rows 3, 7 and 12 were left out.``"""
        raise NotImplementedError
