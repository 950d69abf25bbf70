"""The usual names of the splits of a data set."""

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""Split -> its keywords in names of files and folders, as in the datasets library."""


def split_named(name: str) -> str | None:
    """The split that ``name`` says, None if it says none."""
    return next((split for split, names in SPLITS.items() if name.strip().lower() in names), None)
