"""Are there enough rows for training to be worth it?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding
from finetune.format import counted

TOO_FEW_ROWS = 10
"""Below it, a model learns rows by heart and nothing can be kept for checking."""
FEW_ROWS = 100
"""Below it, a prompt with examples in it usually does as well as training."""


class Size(Check):
    """Too few rows."""

    order = 10

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        few = f"Only {counted(evidence.kept)} to learn from."
        if evidence.kept < TOO_FEW_ROWS:
            yield Finding("problem", f"{few} A model needs more to see a pattern in them.", code="size")
        elif evidence.kept < FEW_ROWS:
            prefer = "Prefer prompting, with some of them as examples in the prompt"
            yield Finding(
                "warning", f"{few} {prefer}; training pays off from some hundred on, and 500 good ones are worth it.",
                code="size",
            )  # fmt: skip
