"""The kinds of example, and what each is called: a format turns a row into one, a method trains on some."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of example; its columns are TRL's own."""

    name: str
    """As formats and methods name it."""
    noun: str
    """One example: ``conversation``."""
    plural: str
    columns: tuple[str, ...]
    """What an example has, its tools aside."""


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
