"""Which of two given answers the model finds likelier."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric


class PairAccuracy(Metric):
    """1 if the chosen answer is likelier per token than the rejected one, half for a tie."""

    name: ClassVar[str] = "pair_accuracy"
    order: ClassVar[int] = 20
    title: ClassVar[str] = "Pair accuracy"
    plain: ClassVar[str] = "How often it finds the chosen answer likelier than the rejected one; a coin would get 50 %."
    said: ClassVar[str] = "it finds the better answer likelier in {tuned} of the pairs ({base} before)"
    source: ClassVar[str] = "Meng et al. 2024 (SimPO), eq. 3: log-probabilities per token, so that length has no say"

    def fits(self, asked, run):
        return (
            "the rows are pairs of a better and a worse answer" if all("rejected" in a.example for a in asked) else ""
        )

    def value(self, asked, given):
        if given.margin is None:
            return None
        return 0.5 if given.margin == 0 else float(given.margin > 0)
