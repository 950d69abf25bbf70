"""How likely the expected answer is."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric


class Loss(Metric):
    """Cross-entropy of the expected answer, in nats per trained token."""

    name: ClassVar[str] = "loss"
    order: ClassVar[int] = 80
    title: ClassVar[str] = "Loss"
    plain: ClassVar[str] = "How surprised the model is by the expected text; lower is better."
    said: ClassVar[str] = "new text surprises it at {tuned} per token ({base} before; lower is better)"
    unit: ClassVar[str] = "nats"
    better: ClassVar[str] = "lower"
    by_tokens: ClassVar[bool] = True

    def fits(self, asked, run):
        if run.recipe.method.generates:
            return ""
        return "the rows are texts" if not any(each.expected for each in asked) else "there are expected answers"

    def value(self, asked, given):
        return given.loss
