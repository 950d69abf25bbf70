"""The charts in a fold: further measures, the loss where it says little, learning rate and gradient norm."""

from finetune.methods import METHODS
from finetune.runs.view import View
from finetune.ui.train.chart import (
    BESIDE,
    Line,
    figure,
    finite,
    loss_chart,
    metric_chart,
    metric_names,
    smoothed,
    thinned,
)
from finetune.ui.views import empty

RATE = "Learning rate: the step size of each weight update"
NORM = "Gradient norm, before clipping: how steep the loss is"
NOTHING = empty("Further curves appear here after the first step.")


def further_charts(view: View) -> str:
    """All charts that are not shown beside the answers; a sentence before the first step."""
    names = metric_names(view)
    loss = "" if METHODS[view.method].loss_shows_learning or not names else loss_chart(view)
    drawn = [*(metric_chart(view, name) for name in names[BESIDE:]), loss, _rate(view), _norm(view)]
    return f"<div class='curves'>{''.join(drawn)}</div>" if any(drawn) else NOTHING


def _rate(view: View) -> str:
    points = finite([(step.step, step.learning_rate) for step in view.steps])
    return figure(RATE, [Line("", thinned(points), "train")], view.total_steps)


def _norm(view: View) -> str:
    points = finite([(step.step, step.grad_norm) for step in view.steps if step.grad_norm is not None])
    lines = [Line("", thinned(points), "raw"), Line("", thinned(smoothed(points)), "train")]
    return figure(NORM, lines, view.total_steps)
