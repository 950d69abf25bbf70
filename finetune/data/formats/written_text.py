"""Conversations that are already written out as one text, with the markers of a chat template or with speakers."""

from finetune.data.formats.format import SYSTEM, Format, FormatField, RowError, system_prompt, text
from finetune.data.formats.plain_text import NAMES
from finetune.data.formats.turns import check_chat, with_system
from finetune.data.formats.written import note_on, turns_of, without_speaker

LEAST = 0.5
"""The share of rows that must write out a conversation: prose may quote one."""


class WrittenText(Format):
    """A column of texts such as ``<s>[INST] … [/INST] … </s>``, read as the turns that they write out."""

    name = "written_text"
    title = "Conversations written as text"
    kind = "chat"
    order = 65
    fields = (
        FormatField(
            "text",
            "The text of a conversation, with the markers of a chat template or the names of speakers.",
            (*NAMES, "conversation", "conversations", "chat", "dialogue", "dialog", "prompt", "sample", "formatted"),
        ),
        SYSTEM,
    )
    holds = "conversations written out for a model"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        if "text" not in found and len(columns) == 1:
            found["text"] = columns[0]
        return found

    def recognize(self, columns, rows, mapped=None, roles=None):
        seen = super().recognize(columns, rows, mapped, roles)
        return seen if seen and seen.served >= LEAST else None

    def notes(self, columns, rows):
        return [note_on("texts", columns["text"])]

    def example(self, row, columns, system=None, roles=None):
        turns = turns_of(text(row, columns["text"]))
        if turns is None:
            raise RowError(f'Column "{columns["text"]}" does not write out a conversation.')
        own = without_speaker(system_prompt(row, columns, system) or "", "system")
        return {"messages": check_chat(with_system(turns, own))}
