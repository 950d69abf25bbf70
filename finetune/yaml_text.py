"""YAML read within a budget: what it stands for is counted before any of it is made.

With aliases (``*``) and merge keys (``<<``) a text of some lines stands for billions of values, or takes PyYAML minutes
(its merge keys double with each level before 6.0.4). So the aliases are followed in numbers first.
"""

import yaml

MOST_CHARACTERS = 2_000_000
"""PyYAML reads a few megabytes a second."""
MOST_VALUES = 200_000
"""With aliases followed; a recipe with a thousand fixes has some 10,000."""
DEEPEST = 100
"""Levels of lists and mappings; Python can't follow many more."""

Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Makes plain values alone, and no object of any class."""


class BudgetError(yaml.YAMLError):
    """YAML that stands for more than may be read."""


def read(text: str, loader: type | None = None) -> object:
    """The value in ``text``; ``yaml.YAMLError`` if it is no YAML, or stands for too much."""
    if len(text) > MOST_CHARACTERS:
        raise BudgetError(f"it is longer than {MOST_CHARACTERS:,} characters")
    require_small(text)
    return yaml.load(text, loader or Loader)


def require_small(text: str, most: int = MOST_VALUES, takes_aliases: bool = True) -> None:
    """``yaml.YAMLError`` unless the YAML in ``text``, with its aliases followed, has at most so many values."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    count = 0
    for event in yaml.parse(text, Loader):
        if isinstance(event, yaml.AliasEvent):
            if not takes_aliases:
                raise BudgetError("it has an alias (*)")
            if event.anchor not in sizes:
                raise BudgetError(f"*{event.anchor} stands for nothing before it")
            count += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = count - before
        if count > most:
            raise BudgetError(f"it stands for more than {most:,} values")
        if len(opened) > DEEPEST:
            raise BudgetError(f"it is nested more than {DEEPEST} levels deep")
