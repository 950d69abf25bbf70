"""Do the rows fit in the length?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding

SEVERAL_SHARE = 0.01
"""Above it, a longer sequence is offered."""
STEP = 64
"""Lengths are offered in multiples of it: they cost nothing extra and are easier to read."""


class Truncation(Check):
    """Rows that are cut off at the end."""

    order = 50

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        cut = evidence.truncated
        if not cut:
            return
        message = f"{evidence.told(len(cut), 'is', 'are')} longer than the length allows and cut off at the end"
        if evidence.estimated(len(cut)) > SEVERAL_SHARE * evidence.dataset.total_rows:
            button = longer(evidence)
            message = f"{message}; 99 % fit in {button['length']:,} tokens."
            yield Finding("warning", message, tuple(cut), **button, code="truncated")
        else:
            message = f"{message}; the longest has {evidence.longest:,} tokens."
            yield Finding("info", message, tuple(cut), code="truncated")


def longer(evidence: Evidence) -> dict:
    """The button that sets the length so that 99 % of the examples fit, as keyword arguments of a finding."""
    length = -(-evidence.fitting // STEP) * STEP
    return {"length": length, "button": f"Use {length:,} tokens"}
