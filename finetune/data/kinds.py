"""The kinds of example and their names: a format turns a row into one kind, a method trains on some of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of example; its columns are TRL's own."""

    name: str
    """The key that formats and methods use."""
    noun: str
    """One example in words: ``conversation``."""
    plural: str
    columns: tuple[str, ...]
    """The columns of an example, without tools."""


KINDS = {
    kind.name: kind
    for kind in (
        Kind("chat", "conversation", "conversations", ("messages",)),
        Kind("text", "text", "texts", ("text",)),
        Kind("preference", "pair of answers", "pairs of answers", ("prompt", "chosen", "rejected")),
        Kind("rated", "rated answer", "rated answers", ("prompt", "completion", "label")),
        Kind("prompt", "prompt", "prompts without answers", ("prompt",)),
    )
}
"""Every kind, by its name."""
MIXED = ({"chat", "text"},)
"""Kinds that may be mixed: each row is one sequence with its loss mask."""


def go_together(one: str, other: str) -> bool:
    """True if rows of these two kinds may be trained on in one run."""
    return one == other or {one, other} in MIXED
