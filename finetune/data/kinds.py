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
