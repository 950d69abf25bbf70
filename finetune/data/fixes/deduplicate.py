"""Leave out what says the same as an earlier row."""

from typing import TYPE_CHECKING, Literal

from finetune.data.fixes.fix import Fix
from finetune.data.near import nearly_repeated, repeated

if TYPE_CHECKING:
    from finetune.data.dataset import Dataset

REASON = "It repeats an earlier row."
NEAR_REASON = "It says nearly the same as an earlier row."


class Deduplicate(Fix):
    """Of examples that say the same, the first is kept."""

    type: Literal["deduplicate"] = "deduplicate"
    near: bool = False
    """Also leave out what is nearly the same: at least four fifths of the runs of words are shared."""

    def on_dataset(self, dataset: "Dataset") -> "Dataset":
        same = repeated(dataset.examples)
        dataset = dataset.without(same, REASON) if same else dataset
        near = nearly_repeated(dataset.examples) if self.near else set()
        return dataset.without(near, NEAR_REASON) if near else dataset

    @property
    def words(self) -> str:
        also = ", or nearly the same," if self.near else ""
        return f"Rows that say the same{also} as an earlier one were left out."
