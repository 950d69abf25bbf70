"""Are the answers all in one language and script?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, without
from finetune.data.scripts import language_or_script_of
from finetune.format import percent_of

SMALL_SHARE = 0.1
"""Below it, another language is more likely a mistake than intended."""


class Languages(Check):
    """The languages of the answers, where there are several: the model answers in those it was trained on."""

    order = 90
    is_expensive = True

    def __init__(self):
        self.rows: dict[str, list[int]] = {}

    def see(self, seen: Seen) -> None:
        language = language_or_script_of("\n".join(seen.answers) or seen.text)
        if language:
            self.rows.setdefault(language, []).append(seen.row)

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if len(self.rows) < 2:
            return
        ranked = sorted(self.rows, key=lambda language: -len(self.rows[language]))
        total = sum(map(len, self.rows.values()))
        rare = [language for language in ranked if len(self.rows[language]) < SMALL_SHARE * total]
        shares = ", ".join(f"{percent_of(len(self.rows[language]), total)} {language}" for language in ranked)
        if rare:
            rows = {row for language in rare for row in self.rows[language]}
            named = " or ".join(rare)
            count = evidence.counted_rows(len(rows), "is", "are")
            message = f"{count} mostly in {named}, but most are in {ranked[0]}; the model may mix the languages."
            yield Finding("warning", message, **without(rows), code="languages")
        else:
            message = f"The rows are in several languages: {shares}. The model learns to answer in each."
            yield Finding("info", message, code="languages")
