"""Conversations with any keys, or in another layout than a list of turns; recognized by name or by content."""

from dataclasses import replace

from finetune.data.formats.chat import Chat
from finetune.data.formats.format import SYSTEM, TOOLS, FormatField, plain
from finetune.data.formats.layouts import turns_in
from finetune.data.formats.turn_mask import TURN_MASK
from finetune.data.formats.turns import Keys, read_turns, turn_keys

NAMES = (
    "messages", "conversations", "conversation", "dialogue", "dialog", "turns", "chat", "contents", "interactions",
    "data", "rounds", "exchanges", "session", "transcript", "utterances",
)  # fmt: skip
OF_TEXTS = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "data", "rounds", "exchanges")
"""Names of a column in which bare texts are by user and assistant in turn; MT-Bench's "turns" are all by the user."""


class Conversation(Chat):
    """A column of conversations, e.g. ``[{"speaker": "customer", "text": …}, …]``, of pairs of question and answer, or
    of texts in turn; keys and layout may differ between rows.
    """

    name = "conversation"
    title = "Conversations"
    order = 35
    fields = (
        FormatField("messages", "The turns of a conversation, each with a speaker and a text.", NAMES),
        TOOLS,
        replace(SYSTEM, names=(*SYSTEM.names, "meta_instruction")),
        TURN_MASK,
    )
    holds = "conversations (turns with a speaker and a text)"

    def _is_conversation(self, value, column):
        return turn_keys(value) is not None or turns_in(value, plain(column) in OF_TEXTS) is not None

    def _read(self, value, column, roles):
        keys = turn_keys(value)
        turns = None if keys else turns_in(value, plain(column) in OF_TEXTS)
        return read_turns(turns or value, column, keys or Keys(), roles)
