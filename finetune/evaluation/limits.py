"""What a person should know before they rely on a tuned model: limits of its evaluation, its data and its method."""

from collections.abc import Iterator

from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Scores
from finetune.evaluation.words import interval
from finetune.format import amount, counted
from finetune.models.licenses import License
from finetune.recipe import Recipe
from finetune.runs.view import View

FEW_TRAINED = 200
"""Training rows below which a model has seen little of what it will be asked."""
FEW_ASKED = 100
"""Evaluated rows below which the interval is wide enough to be said."""
SHIPPED_LICENSE = "Apache 2.0"
"""Of the samples."""
SAMPLES = "assets/samples/"


def limits(recipe: Recipe, view: View, scores: Scores | None) -> tuple[str, ...]:
    """Limits and risks of the run, as sentences, what concerns its evaluation first."""
    return (*_of_evaluation(scores), *_of_training(recipe, view))


def _of_evaluation(scores: Scores | None) -> Iterator[str]:
    if scores is None:
        yield "Base and tuned were not evaluated, so nothing here says that the tuned model is better."
        return
    part, score = scores.asked, scores.asked.deciding
    yield (
        f"Judged only on {counted(part.rows, 'row')} of {part.data}. How it does on other questions is not known: try "
        "it before you rely on it."
    )
    if score.rows < FEW_ASKED:
        known = interval(METRICS[score.metric], score.tuned)
        yield f"With {counted(score.rows, 'row')} the main figure of the tuned model is known roughly: {known}."
    if scores.general is None:
        yield "What it has forgotten was not measured."


def _of_training(recipe: Recipe, view: View) -> Iterator[str]:
    if view.state == "stopped":
        yield f"The training was stopped at step {amount(view.step)} of {amount(view.total_steps)}."
    if 0 < view.train_rows < FEW_TRAINED:
        yield f"It was trained on few rows ({amount(view.train_rows)}); what they do not show, it has not learned."
    if caution := recipe.method.caution(recipe.data):
        yield caution
    yield from (event.reason for event in view.fallbacks)
    yield "Like any language model it can state what is false. A person should check answers that matter."


def data_license(recipe: Recipe) -> str:
    """The license of all the data; empty if it is not known here."""
    data = recipe.data
    paths = [data.path, *data.also, *(each.path for each in data.mix), *([data.replay] if data.replay else [])]
    return SHIPPED_LICENSE if all(path.startswith(SAMPLES) for path in paths) else ""


def license_words(recipe: Recipe, of_base: License | None) -> str:
    """What is known of the licenses, as a sentence; ``of_base`` is that of the base, None if it is not known."""
    base, data = of_base.title if of_base else "", data_license(recipe)
    if base and base == data:
        return f"The license of the base and of the data is {base}."
    if not base and not data:
        return "The licenses of the base and of the data are not known here. Look them up before you share this."
    known, missing = ("base", "data") if base else ("data", "base")
    return (
        f"The license of the {known} is {base or data}; that of the {missing} is "
        f"{data if base and data else 'not known here. Look it up before you share this'}."
    )
