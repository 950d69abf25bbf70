"""Text to text: a column of texts and one of what each is to become, with an instruction that is the same for all."""

from finetune.data.formats.answer import answer
from finetune.data.formats.format import SYSTEM, Format, FormatField, optional_text, plain, system_prompt, text
from finetune.data.formats.mapping import Template
from finetune.data.formats.plain_text import NAMES
from finetune.data.formats.request import about
from finetune.data.formats.turns import exchange
from finetune.data.readers.decoder import strings_of

TEXTS = (
    *NAMES, "source_text", "input_text", "raw_text", "clean_text", "sentence", "utterance", "message", "review",
    "comment", "tweet", "post", "email", "transcript", "dialogue", "dialog", "description", "original",
)  # fmt: skip
"""Usual names of a column of texts that something is done with."""
INSTRUCTION = FormatField(
    "instruction",
    "What is to be done with the text: a text that is the same for each row, or a column.",
    ("instruction",),
    required=False,
    is_worded=True,
)
LIKELY = 0.95


class TextToText(Format):
    """Columns such as ``text`` and ``target``; without an instruction, the text alone is the question."""

    name = "text_to_text"
    title = "Texts and what they become"
    kind = "chat"
    order = 70
    is_task = True
    fields = (
        FormatField("text", "The text.", TEXTS),
        FormatField(
            "target",
            "What the text is to become: the answer to train on.",
            (
                "target", "target_text", "output", "output_text", "response", "completion", "answer", "corrected",
                "correction", "rewritten", "rewrite", "paraphrase", "simplified", "normalized", "result",
                "translation", "translated", "translated_text",
            ),
        ),
        INSTRUCTION,
        SYSTEM,
    )  # fmt: skip
    holds = "texts and what they become"
    weight = 0.9

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        if "instruction" not in found and not self.missing(found):
            words = self.instruction(found, rows)
            return {**found, "instruction": Template(words)} if words else found
        return found

    def instruction(self, found: dict[str, str], rows: list[dict]) -> str:
        """The instruction if neither a column nor a person gives one; empty for none."""
        return ""

    def certainty(self, columns):
        return LIKELY

    def notes(self, columns, rows):
        given = columns.get("instruction")
        if not isinstance(given, Template) or given.columns:
            return []
        return [f"Each text is below the instruction “{given}”; change it under Format and columns."]

    def example(self, row, columns, system=None, roles=None):
        asked, given = self.asked(row, columns), optional_text(row, columns.get("instruction"))
        target = self.target(row, columns["target"])
        return exchange(about(given, asked) if given.strip() else asked, target, system_prompt(row, columns, system))

    def asked(self, row: dict, columns: dict[str, str]) -> str:
        """The text that something is done with."""
        return text(row, columns["text"])

    def target(self, row: dict, column: str) -> str:
        """The answer to train on."""
        return answer(row, column)


def mean_length(rows: list[dict], column: str) -> float:
    """Characters of text in a row that has the column, on average."""
    lengths = [sum(map(len, strings_of(row[column], keys=False))) for row in rows if row.get(column)]
    return sum(lengths) / max(1, len(lengths))


def named(found: dict[str, str], field: str) -> str:
    """The plain name of the column of ``field``; empty if it has none."""
    return plain(found.get(field, ""))
