"""Conversations with any keys: a list of turns whose keys are recognized by name or by content."""

from finetune.data.formats.chat import Chat
from finetune.data.formats.format import SYSTEM, TOOLS, FormatField
from finetune.data.formats.turns import Keys, read_turns, turn_keys


class Conversation(Chat):
    """A column of conversations, e.g. ``[{"speaker": "customer", "text": …}, …]``; the keys may differ between rows."""

    name = "conversation"
    title = "Conversations"
    order = 35
    fields = (
        FormatField(
            "messages",
            "The turns of a conversation, each with a speaker and a text.",
            ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "chat"),
        ),
        TOOLS,
        SYSTEM,
    )
    holds = "conversations (turns with a speaker and a text)"

    def _is_conversation(self, value):
        return turn_keys(value) is not None

    def _read(self, value, column, roles):
        return read_turns(value, column, turn_keys(value) or Keys(), roles)
