"""Summarization: a column of long texts, and one of their summaries, headlines or abstracts."""

from finetune.data.formats.format import SYSTEM, FormatField
from finetune.data.formats.text_to_text import INSTRUCTION, TEXTS, TextToText, mean_length, named

HEADLINES = ("headline", "headlines")
DIALOGUES = ("dialogue", "dialog", "transcript", "conversation")


class Summarization(TextToText):
    """Columns such as ``article`` and ``highlights``; a summary that is longer than its text is no summary."""

    name = "summarization"
    title = "Texts and their summaries"
    order = 66
    fields = (
        FormatField("text", "The text to summarize.", ("article", *TEXTS, "conversation", "report", "story")),
        FormatField(
            "target",
            "The summary to train on.",
            ("summary", "highlights", "tldr", "tl_dr", "abstract", "summary_text", "short_summary", *HEADLINES),
        ),
        INSTRUCTION,
        SYSTEM,
    )
    holds = "texts and their summaries"
    weight = 1.0

    def instruction(self, found, rows):
        if mean_length(rows, found["target"]) >= mean_length(rows, found["text"]):
            return ""
        if named(found, "target") in HEADLINES:
            return "Write a headline for the text."
        if named(found, "target") == "abstract":
            return "Write an abstract of the text."
        return "Summarize the dialogue." if named(found, "text") in DIALOGUES else "Summarize the text."
