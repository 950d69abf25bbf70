"""Does a text contain the markers of a chat template, which the model's own template adds as well?"""

import re
from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, counted_rows, without

MARKERS = re.compile(
    r"<\|(?:im_start|im_end|im_sep|eot_id|eom_id|start_header_id|end_header_id|begin_of_text|end_of_text|endoftext|user"
    r"|assistant|system|end)\|>|\[/?INST\]|<</?SYS>>|</?s>|<bos>|<eos>|<(?:start|end)_of_turn>|<\uff5c[A-Za-z\u2581]{3,30}\uff5c>"
)
"""Special tokens of well-known templates: a tokenizer reads them as such even within a text."""


class Markers(Check):
    """Special tokens of chat templates within the text of rows."""

    order = 84
    prefilter = r"<\||\[/?INST\]|<</?SYS>>|</?s>|<bos>|<eos>|_of_turn>|<\x{ff5c}"

    def __init__(self):
        self.rows: dict[int, str] = {}

    def see(self, seen: Seen) -> None:
        text = seen.text
        if ("<" in text or "[" in text) and (found := MARKERS.search(text)):
            self.rows[seen.row] = found[0]

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if not self.rows:
            return
        first = next(iter(self.rows.values()))
        words = counted_rows(len(self.rows), "contains", "contain")
        message = (
            f'{words} markers of a chat template, such as "{first}". The model reads them as special tokens, beside '
            "those that its own template adds: give it the plain text, or conversations."
        )
        yield Finding("warning", message, **without(self.rows), code="template-markers")
