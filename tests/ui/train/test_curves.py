import re

from finetune.runs import events
from finetune.runs.view import View, fold
from finetune.ui.train.curves import NOTHING, further_charts
from tests.ui.train.test_chart import sampled


def titles(html: str) -> list[str]:
    return [title.partition(":")[0] for title in re.findall("<figcaption><strong>(.*?)</strong>", html)]


def steps(**more):
    for n in range(1, 9):
        yield events.Stepped(step=n, epoch=0, loss=1.0, learning_rate=n / 1000, **more)


def test_learning_rate_and_gradient_norm_have_a_chart_each():
    assert titles(further_charts(fold(steps(grad_norm=2.0)))) == ["Learning rate", "Gradient norm, before clipping"]
    assert titles(further_charts(fold(steps()))) == ["Learning rate"]


def test_further_measures_are_in_the_fold_and_the_loss_where_it_says_little():
    found = titles(further_charts(fold(sampled(**{"reward/number": 0.5}))))
    assert found == [
        "Length of its answers, in tokens",
        "Groups without spread",
        "Truncated answers",
        "Reward for number",
        "Loss",
        "Learning rate",
    ]
    assert "Loss" not in titles(further_charts(fold(steps(metrics={"accuracy": 0.5, "margin": 0.1}))))


def test_before_the_first_step_the_fold_says_so():
    assert further_charts(View()) == NOTHING
