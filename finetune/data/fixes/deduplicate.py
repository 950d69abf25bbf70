"""Leave out duplicates and near-duplicates."""

from typing import TYPE_CHECKING, Literal

from finetune.data.fixes.fix import Fix
from finetune.data.near import duplicates, near_duplicates

if TYPE_CHECKING:
    from finetune.data.dataset import Dataset

REASON = "It is a duplicate of an earlier row."
NEAR_REASON = "It is a near-duplicate of an earlier row."


class Deduplicate(Fix):
    """Duplicates are left out; the first of equal examples is kept."""

    type: Literal["deduplicate"] = "deduplicate"
    near: bool = False
    """Also leave out near-duplicates, which share at least four fifths of their 5-gram shingles."""

    def on_dataset(self, dataset: "Dataset") -> "Dataset":
        equal = duplicates(dataset.examples)
        dataset = dataset.without(equal, REASON) if equal else dataset
        near = near_duplicates(dataset.examples) if self.near else set()
        return dataset.without(near, NEAR_REASON) if near else dataset

    @property
    def words(self) -> str:
        also = " and near-duplicates" if self.near else ""
        return f"Duplicates{also} of earlier rows were left out."
