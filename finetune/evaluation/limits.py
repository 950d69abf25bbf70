"""What a person should know before they rely on a tuned model: limits of its evaluation, its data and its method."""

from collections.abc import Iterator

from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Scores
from finetune.evaluation.words import interval
from finetune.format import amount, counted
from finetune.models.known import known_models
from finetune.recipe import Recipe
from finetune.runs.view import View

FEW_TRAINED = 200
"""Training rows below which a model has seen little of what it will be asked."""
FEW_ASKED = 100
"""Evaluated rows below which the interval is wide enough to be said."""
STARTER_LICENSE = "Apache 2.0"


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


def base_license(recipe: Recipe) -> str:
    """The license of the base; empty if it is not known here."""
    if recipe.model.id == "starter":
        return STARTER_LICENSE
    return next((known.license for known in known_models() if known.id == recipe.model.id), "")


def license_words(recipe: Recipe) -> str:
    """What is known of the licenses, as a sentence."""
    known = base_license(recipe)
    if known:
        return (
            f"The license of the base is {known}; that of the data is not known here. Look it up before you share this."
        )
    return "The licenses of the base and of the data are not known here. Look them up before you share this."
