"""Chat messages: a list of turns with role and content, as in OpenAI's and Hugging Face's formats."""

from finetune.data.formats.blocks import content_of
from finetune.data.formats.format import SYSTEM, TOOLS, Format, FormatField, cell, optional_text, plain
from finetune.data.formats.tools import has_tools, parsed, read_tools
from finetune.data.formats.turn_mask import TURN_MASK, masked, with_real_mask
from finetune.data.formats.turns import SPEAKERS, Keys, check_chat, has_turns, read_turns, turn_keys, with_system

PROMPTS = ("prompt", "prompts")
"""Names of a column whose turns are to be answered: the assistant's among them are no answers to train on."""


class Chat(Format):
    """A column of conversations, ``[{"role": …, "content": …}, …]``, and optionally the tools they may call."""

    name = "chat"
    title = "Chat messages"
    kind = "chat"
    order = 20
    fields = (
        FormatField(
            "messages",
            "The turns of a conversation, each with role and content.",
            ("messages", "conversations", "conversation"),
        ),
        TOOLS,
        SYSTEM,
        TURN_MASK,
    )
    holds = "conversations (turns with role and content)"
    keys = Keys("role", "content")

    def find(self, columns, rows, mapped):
        found = with_real_mask(with_real_tools(super().find(columns, rows, mapped), rows, mapped), rows, mapped)
        if "messages" in mapped:
            return found
        usual = found.pop("messages", None)
        for column in (usual, *columns):
            if column is None or _holds_prompts(column, rows):
                continue
            if any(self._is_conversation(row.get(column), column) for row in rows):
                return {**found, "messages": column}
        return found

    def example(self, row, columns, system=None, roles=None):
        column = columns["messages"]
        turns = self._read(masked(cell(row, column), row, columns, roles), column, roles)
        return with_tools(
            {"messages": check_chat(with_system(turns, own_system(row, columns) or system))}, row, columns
        )

    def _is_conversation(self, value: object, column: str) -> bool:
        return has_turns(value, self.keys)

    def _read(self, value: object, column: str, roles: dict[str, str] | None) -> list[dict]:
        return read_turns(value, column, self.keys, roles)


def _holds_prompts(column: str, rows: list[dict]) -> bool:
    """True if a column is named like a prompt, and all of its conversations end with the user."""
    return plain(column) in PROMPTS and all(_ends_with_user(row[column]) for row in rows if row.get(column))


def _ends_with_user(turns: object) -> bool:
    keys = turn_keys(turns)
    return keys is not None and SPEAKERS.get(parsed(turns)[-1][keys.role].strip().lower()) == "user"


def own_system(row: dict, columns: dict[str, str]) -> str:
    """The row's own system prompt, which may be written in parts; empty if it has none."""
    value = parsed(cell(row, columns.get("system")))
    if isinstance(value, (dict, list)):
        return content_of(value, f'Column "{columns["system"]}"').text
    own = optional_text(row, columns.get("system"))
    return own if own.strip() else ""


def with_real_tools(found: dict[str, str], rows: list[dict], mapped: dict[str, str]) -> dict[str, str]:
    """``found`` without a column that is named like tools but holds none, unless a person assigned it."""
    column = found.get("tools")
    if column is None or "tools" in mapped or any(has_tools(row.get(column)) for row in rows):
        return found
    return {field: column for field, column in found.items() if field != "tools"}


def with_tools(example: dict, row: dict, columns: dict[str, str]) -> dict:
    """``example`` with the tools of its row, if there are any."""
    column = columns.get("tools")
    tools = read_tools(cell(row, column), column) if column else []
    return {**example, "tools": tools} if tools else example
