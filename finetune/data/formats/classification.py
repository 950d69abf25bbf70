"""Classification: a column of texts, and one with the label of each: a category, a sentiment, an intent."""

from finetune.data.formats.contents import content_of, is_nothing
from finetune.data.formats.format import SYSTEM, FormatField, RowError, cell, plain, text
from finetune.data.formats.mapping import Template
from finetune.data.formats.text_to_text import INSTRUCTION, TEXTS, TextToText, named
from finetune.data.formats.tools import parsed

SURE = (
    "label_text", "label_name", "label", "labels", "class", "class_name", "sentiment", "intent", "emotion", "category",
)  # fmt: skip
"""Names of columns of labels."""
UNSURE = (
    "topic", "tag", "tags", "genre", "department", "priority", "severity", "urgency", "type", "product", "queue",
    "rating", "stars", "toxicity", "spam", "is_spam", "target",
)  # fmt: skip
"""Names of columns that may be labels, or say something else of a text."""
LIKELY, POSSIBLE = 0.95, 0.8
"""The confidence in either."""
GENERAL = "Classify the text."
"""The instruction if the name of the labels says no more."""
MOST_DISTINCT = 0.5
"""Of ``ENOUGH_ROWS`` rows or more, at most this share may have labels of their own: else they are names."""
ENOUGH_ROWS = 20


class Classification(TextToText):
    """Columns such as ``text`` and ``label``; labels that are numbers are learned as numbers."""

    name = "classification"
    title = "Texts and their labels"
    order = 68
    has_labels = True
    fields = (
        FormatField(
            "text",
            "The text to classify.",
            (
                *TEXTS, "premise", "sentence1", "sentence_1", "text1", "text_a", "question1", "question", "query",
                "input", "ticket", "title", "prompt",
            ),
        ),
        FormatField(
            "second",
            "A second text, if the label is that of a pair.",
            ("hypothesis", "sentence2", "sentence_2", "text2", "text_b", "question2"),
            required=False,
        ),
        FormatField("target", "The label to train on.", (*SURE, *UNSURE)),
        INSTRUCTION,
        SYSTEM,
    )  # fmt: skip
    holds = "texts and their labels"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        if "target" in mapped or "target" not in found or _are_labels(rows, found["target"]):
            return found
        return {field: column for field, column in found.items() if field != "target"}

    def guess(self, columns, rows, found):
        flags = [column for column in columns if column not in found.values() and _is_flag(rows, column)]
        return {"instruction": Template(GENERAL), **found, "target": flags[0]} if len(flags) == 1 else {}

    def instruction(self, found, rows):
        name = named(found, "target")
        is_general = name in ("target", "class", "class_name", "tag", "tags", "type") or name.startswith("label")
        if is_general and "second" in found:
            return "Classify the pair of texts."
        return GENERAL if is_general else f"Give the {name.replace('_', ' ')} of the text."

    def certainty(self, columns):
        return LIKELY if named(columns, "target") in SURE else POSSIBLE

    def notes(self, columns, rows):
        values = [row[columns["target"]] for row in rows if not is_nothing(row.get(columns["target"]))]
        if values and all(_is_number(value) for value in values):
            listed = ", ".join(sorted({f"{float(value):g}" for value in values})[:5])
            return [
                *super().notes(columns, rows),
                f'The labels in "{columns["target"]}" are numbers without names ({listed}), so the model answers with '
                "numbers. Names in their place are easier to learn.",
            ]
        return super().notes(columns, rows)

    def asked(self, row, columns):
        first = super().asked(row, columns)
        return f"{first}\n\n{text(row, columns['second'])}" if "second" in columns else first

    def target(self, row, column):
        value = parsed(cell(row, column))
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list) and value and all(isinstance(label, str) for label in value):
            return ", ".join(value)
        if isinstance(value, (list, dict)):
            raise RowError(f'Column "{column}" holds no label.')
        return f"{value:g}" if isinstance(value, float) and value == value else text(row, column)


def _are_labels(rows: list[dict], column: str) -> bool:
    """True if a column holds several short values, or lists of them, most of which are in more than one row."""
    values = [value for row in rows if not is_nothing(value := parsed(row.get(column)))]
    kind = content_of(rows, column).kind
    are_lists = all(isinstance(value, list) and all(isinstance(label, str) for label in value) for value in values)
    if kind not in ("label", "id", "number", "flag") and not (kind == "list" and are_lists):
        return False
    if any(isinstance(value, (list, dict)) for value in values) and not are_lists:
        return False
    distinct = len({str(value) for value in values})
    # A small file of held-out rows may have one label alone.
    is_label = distinct > 1 or bool(values) and plain(column) in SURE
    return is_label and (len(values) < ENOUGH_ROWS or distinct <= MOST_DISTINCT * len(values))


def _is_flag(rows: list[dict], column: str) -> bool:
    """True if a column holds both of true and false, or of 1 and 0, and nothing else."""
    return {str(row[column]).lower() for row in rows if not is_nothing(row.get(column))} in (
        {"0", "1"},
        {"false", "true"},
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) or plain(str(value)).isdigit()
