"""Are there enough rows for training to be worth it?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding
from finetune.format import counted

TOO_FEW_ROWS = 10
"""Below it, a model only memorizes the rows, and none can be held out."""
FEW_ROWS = 100
"""Below it, few-shot prompting usually does as well as training."""


class Size(Check):
    """Too few rows."""

    order = 10

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        few = f"Only {counted(evidence.kept)} to train on."
        if evidence.kept < TOO_FEW_ROWS:
            yield Finding("problem", f"{few} A model needs more of them to learn a pattern.", code="size")
        elif evidence.kept < FEW_ROWS:
            prefer = "Prefer few-shot prompting: put some of them into the prompt as examples"
            enough = "training pays off from a few hundred rows on, and 500 good ones are worth collecting"
            yield Finding("warning", f"{few} {prefer}; {enough}.", code="size")
