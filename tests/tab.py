"""The Data tab's values by name."""

from finetune.ui.data.display import Display, failed


def named(values: list) -> Display:
    """``Display.values()`` by name."""
    values, parts = list(values), []
    for part in failed(""):
        size = len(part) if isinstance(part, list) else 1
        taken, values = values[:size], values[size:]
        parts.append(taken if isinstance(part, list) else taken[0])
    assert not values, "There are more values than components."
    return Display(*parts)
