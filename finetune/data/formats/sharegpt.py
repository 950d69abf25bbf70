"""ShareGPT: a list of turns with from and value, spoken by human and gpt."""

from finetune.data.formats.chat import Chat
from finetune.data.formats.format import SYSTEM, Part

ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "model": "assistant",
}


class ShareGPT(Chat):
    """A column of conversations, ``[{"from": "human", "value": …}, …]``."""

    name = "sharegpt"
    title = "ShareGPT"
    order = 30
    parts = (
        Part(
            "messages",
            "The turns of a conversation, each with from and value.",
            ("conversations", "conversation", "messages"),
        ),
        SYSTEM,
    )
    holds = "conversations (turns with from and value)"
    role_key = "from"
    text_key = "value"
    roles = ROLES
