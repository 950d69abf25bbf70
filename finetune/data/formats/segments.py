"""Segments: a text in parts, each with whether it is trained on, as in Axolotl's template-free ``input_output``."""

from finetune.data.formats.format import Format, FormatField, RowError, cell
from finetune.data.formats.switches import number_of
from finetune.data.formats.tools import parsed


class Segments(Format):
    """A column ``segments: [{"label": false, "text": …}, {"label": true, "text": …}]``; no chat template is applied."""

    name = "segments"
    title = "Segments of a text"
    kind = "text"
    order = 28
    fields = (FormatField("segments", "A list of texts, each with a label: true to train on it.", ("segments",)),)
    holds = "segments of a text with labels"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        is_meant = "segments" in mapped or any(_is_segments(parsed(row.get(found.get("segments")))) for row in rows)
        return found if is_meant else {}

    def example(self, row, columns, system=None, roles=None):
        column = columns["segments"]
        segments = parsed(cell(row, column))
        if not _is_segments(segments):
            raise RowError(f'Column "{column}" does not hold a list of segments with text and label.')
        read = [(segment["text"], number_of(segment["label"])) for segment in segments]
        if None in (label for _, label in read):
            raise RowError(f'Column "{column}" has a segment whose label is neither true nor false.')
        if not any(text.strip() and label for text, label in read):
            raise RowError(f'Column "{column}" has no segment to train on: no label is true.')
        found = [{"text": text, "label": bool(label)} for text, label in read]
        return {"text": "".join(text for text, _ in read), "segments": found}


def _is_segments(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and isinstance(each.get("text"), str) and "label" in each for each in value)
    )
