"""Chat messages: a list of turns with role and content, as OpenAI and Hugging Face write them."""

from finetune.data.formats.format import SYSTEM, Format, Part, instruction
from finetune.data.formats.turns import check_chat, has_turns, read_turns, with_system

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


class Chat(Format):
    """A column of conversations, ``[{"role": …, "content": …}, …]``."""

    name = "chat"
    title = "Chat messages"
    kind = "chat"
    order = 20
    parts = (
        Part(
            "messages",
            "The turns of a conversation, each with role and content.",
            ("messages", "conversations", "conversation"),
        ),
        SYSTEM,
    )
    holds = "conversations (turns with role and content)"
    role_key = "role"
    text_key = "content"
    roles = ROLES

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        if "messages" in mapped:
            return found
        usual = found.pop("messages", None)
        for column in (usual, *columns):
            if any(has_turns(row.get(column), self.role_key, self.text_key) for row in rows):
                return {**found, "messages": column}
        return found

    def example(self, row, columns, system=None):
        column = columns["messages"]
        turns = read_turns(row.get(column), column, self.role_key, self.text_key, self.roles)
        return {"messages": check_chat(with_system(turns, instruction(row, columns, system)))}
