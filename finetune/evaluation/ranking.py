"""Which of several runs scored best, where they can be compared."""

from collections.abc import Sequence

from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Scores
from finetune.evaluation.sheet import Sheet
from finetune.runs.run import Run


def incomparable(runs: Sequence[Run], found: Sequence[Scores | None]) -> str:
    """Why the scores of ``runs`` cannot be ranked, as a sentence; empty if they can.

    They can if each has scores by the same main metric on the very same questions.
    """
    if missing := [run.id for run, scores in zip(runs, found) if scores is None]:
        return f"There are no scores yet of {', '.join(missing)}: python -m finetune evaluate makes them."
    if len({scores.asked.main for scores in found}) > 1:
        return "The scores are by different metrics, so they cannot be ranked."
    if len({_asked(run) for run in runs}) > 1:
        return "The runs were evaluated on different rows, so they cannot be ranked."
    return ""


def best_of(runs: Sequence[Run], found: Sequence[Scores]) -> Run:
    """The run with the best main metric; of equal ones the first."""
    sign = -1 if METRICS[found[0].asked.main].better == "lower" else 1
    return max(zip(runs, found), key=lambda pair: sign * pair[1].asked.deciding.tuned.value)[0]


def _asked(run: Run) -> tuple[str, ...]:
    return tuple(row.question + row.expected for row in Sheet(run).rows if row.part == "asked")
