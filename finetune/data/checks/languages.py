"""Are the answers all in one language and script?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, without
from finetune.data.scripts import tongue_of
from finetune.format import percent_of

SMALL_SHARE = 0.1
"""Below it, another language is more likely a slip than meant."""


class Languages(Check):
    """The languages of the answers, where there are several: the model answers in those it has learnt."""

    order = 90
    is_expensive = True

    def __init__(self):
        self.rows: dict[str, list[int]] = {}

    def see(self, seen: Seen) -> None:
        tongue = tongue_of("\n".join(seen.answers) or seen.text)
        if tongue:
            self.rows.setdefault(tongue, []).append(seen.row)

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        if len(self.rows) < 2:
            return
        ranked = sorted(self.rows, key=lambda tongue: -len(self.rows[tongue]))
        told = sum(map(len, self.rows.values()))
        rare = [tongue for tongue in ranked if len(self.rows[tongue]) < SMALL_SHARE * told]
        shares = ", ".join(f"{percent_of(len(self.rows[tongue]), told)} {tongue}" for tongue in ranked)
        if rare:
            rows = {row for tongue in rare for row in self.rows[tongue]}
            named = " or ".join(rare)
            count = evidence.told(len(rows), "is", "are")
            message = f"{count} mostly in {named}, but most are in {ranked[0]}; the model may mix them up."
            yield Finding("warning", message, **without(rows), code="languages")
        else:
            message = f"The rows are in several languages, mostly: {shares}; the model learns to answer in each."
            yield Finding("info", message, code="languages")
