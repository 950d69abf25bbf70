"""The Data tab's values, taken apart again."""

from finetune.ui.data.shown import Shown, failed


def named(values: list) -> Shown:
    """``Shown.values()`` by name."""
    values, parts = list(values), []
    for part in failed(""):
        size = len(part) if isinstance(part, list) else 1
        taken, values = values[:size], values[size:]
        parts.append(taken if isinstance(part, list) else taken[0])
    assert not values, "There are more values than components."
    return Shown(*parts)
