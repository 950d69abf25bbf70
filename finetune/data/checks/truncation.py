"""Do the rows fit in the maximum length?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding

SEVERAL_SHARE = 0.01
"""Above it, a larger maximum length is offered."""
STEP = 64
"""Lengths are offered in multiples of it: they cost nothing extra and are easier to read."""


class Truncation(Check):
    """Rows that are truncated at the end."""

    order = 50

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        truncated = evidence.truncated
        if not truncated:
            return
        message = f"{evidence.counted_rows(len(truncated), 'is', 'are')} longer than the maximum length and truncated"
        if evidence.estimated(len(truncated)) > SEVERAL_SHARE * evidence.dataset.total_rows:
            button = in_pieces() if evidence.dataset.kind == "text" else longer(evidence)
            message = f"{message}; 99 % fit in {longer(evidence)['length']:,} tokens."
            yield Finding("warning", message, tuple(truncated), **button, code="truncated")
        else:
            message = f"{message}; the longest has {evidence.longest:,} tokens."
            yield Finding("info", message, tuple(truncated), code="truncated")


def in_pieces() -> dict:
    """The button that cuts long texts into pieces, as keyword arguments of a finding."""
    return {"change": {"split_long": True}, "button": "Cut them into pieces"}


def longer(evidence: Evidence) -> dict:
    """The button that sets a length in which 99 % of the examples fit, as keyword arguments of a finding."""
    length = -(-evidence.p99_length // STEP) * STEP
    return {"length": length, "button": f"Use {length:,} tokens"}
