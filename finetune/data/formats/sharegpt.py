"""ShareGPT: a list of turns with from (human, gpt) and value, with function calls."""

from finetune.data.formats.chat import Chat
from finetune.data.formats.format import SYSTEM, TOOLS, FormatField
from finetune.data.formats.turn_mask import TURN_MASK
from finetune.data.formats.turns import Keys


class ShareGPT(Chat):
    """A column of conversations, ``[{"from": "human", "value": …}, …]``."""

    name = "sharegpt"
    title = "ShareGPT"
    order = 30
    fields = (
        FormatField(
            "messages",
            "The turns of a conversation, each with from and value.",
            ("conversations", "conversation", "messages"),
        ),
        TOOLS,
        SYSTEM,
        TURN_MASK,
    )
    holds = "conversations (turns with from and value)"
    keys = Keys("from", "value")
