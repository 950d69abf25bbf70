"""Early stopping: when a run has stopped to improve on the held-out rows."""

import math
from collections.abc import Sequence

from finetune.runs.events import Evaluated


def should_stop(evaluations: Sequence[Evaluated], patience: int, least: float = 0.0) -> bool:
    """True once ``patience`` evaluations in a row have not brought the held-out loss ``least`` nats below its best.

    The stopping rule with patience of Keras' ``EarlyStopping`` and Transformers' ``EarlyStoppingCallback``. Slow
    progress adds up: an evaluation is held against the last best that counted. A loss that is no number is no progress.
    A patience of 0 never stops.
    """
    best, waited = math.inf, 0
    for evaluation in evaluations:
        if math.isfinite(evaluation.loss) and (best == math.inf or evaluation.loss < best - least):
            best, waited = evaluation.loss, 0
        else:
            waited += 1
    return 0 < patience <= waited
