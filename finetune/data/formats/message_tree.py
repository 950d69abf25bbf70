"""Message trees, as in Open Assistant: a first message with replies, which have replies of their own."""

from finetune.data.formats.format import SYSTEM, Format, FormatField, RowError, cell, kind_of, system_prompt
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import TEXT_KEYS, Keys, check_chat, read_turns, with_system

REPLIES = "replies"
DEEPEST = 200
"""Turns that are followed; a conversation that people had is shorter."""


class MessageTree(Format):
    """A column of ``{"role": "prompter", "text": …, "replies": […]}``, read along the best-ranked replies."""

    name = "message_tree"
    title = "Message trees"
    kind = "chat"
    order = 33
    fields = (
        FormatField(
            "tree",
            "The first message, with its replies and theirs under replies.",
            ("prompt", "tree", "message_tree", "root", "message", "conversation"),
        ),
        SYSTEM,
    )
    holds = "messages with replies, of which the best-ranked are followed,"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        if "tree" in mapped:
            return found
        tree = next((column for column in columns if any(_is_tree(row.get(column)) for row in rows)), None)
        others = {field: column for field, column in found.items() if field != "tree"}
        return {**others, "tree": tree} if tree else others

    def example(self, row, columns, system=None, roles=None):
        node = parsed(cell(row, columns["tree"]))
        if not _is_tree(node):
            raise RowError(f'Column "{columns["tree"]}" holds {kind_of(node)}, not a message with replies.')
        path = []
        while node is not None and len(path) < DEEPEST:
            path.append({key: value for key, value in node.items() if key != REPLIES})
            node = _best(node.get(REPLIES))
        text = next((key for key in TEXT_KEYS if key in path[0]), Keys().text)
        turns = [{"role": turn.get("role"), "content": turn.get(text)} for turn in path]
        read = read_turns(turns, columns["tree"], Keys(), {"prompter": "user", **(roles or {})})
        return {"messages": check_chat(with_system(read, system_prompt(row, columns, system)))}


def _is_tree(value: object) -> bool:
    node = parsed(value)
    return isinstance(node, dict) and isinstance(node.get(REPLIES), list) and "role" in node


def _best(replies: object) -> dict | None:
    """The reply with the lowest rank; the first if none is ranked; None if there is none."""
    found = [reply for reply in replies if isinstance(reply, dict)] if isinstance(replies, list) else []
    return min(found, key=lambda reply: _rank(reply.get("rank")), default=None)


def _rank(value: object) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else float("inf")
