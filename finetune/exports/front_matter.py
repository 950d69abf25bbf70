"""The YAML at the head of a model card, as the Hub reads it: base, data, library, tags, and the scores.

What is not known is left out: a license above all.
"""

import math
import re

from finetune.data.hub import ADDRESS
from finetune.evaluation.limits import base_license, data_license
from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Part, Score, Scores
from finetune.recipe import Recipe

LICENSES = {"Apache 2.0": "apache-2.0", "MIT": "mit"}
"""Licenses of bases, as the Hub calls them."""
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)
TASK = "text-generation"
DIGITS = 4


def front_matter(
    recipe: Recipe, scores: Scores | None, is_full_model: bool, library: str = "", tags: tuple[str, ...] = ()
) -> str:
    """The YAML between its two lines of dashes, with a line feed at the end.

    ``library`` and ``tags`` are those of a model in a form of its own.
    """
    from huggingface_hub import ModelCardData

    makes_scorer = recipe.method.makes_scorer
    data = ModelCardData(
        model_name=recipe.name,
        base_model=recipe.model.id if HUB_ID.fullmatch(recipe.model.id) else None,
        library_name=library or ("transformers" if is_full_model else "peft"),
        license=_license(recipe),
        pipeline_tag="text-classification" if makes_scorer else TASK,
        datasets=_datasets(recipe) or None,
        tags=list(dict.fromkeys(["finetune-studio", *tags, recipe.method.type, recipe.adapter.type])),
        eval_results=_results(scores) or None,
    )
    return f"---\n{data.to_yaml().rstrip()}\n---\n"


def _license(recipe: Recipe) -> str | None:
    """The license of the tuned model, where those of base and data are known and the same."""
    base = base_license(recipe)
    return LICENSES.get(base) if base == data_license(recipe) else None


def _datasets(recipe: Recipe) -> list[str]:
    """The ids of the datasets from the Hub that it was trained on."""
    found = (ADDRESS.fullmatch(path) for path in (recipe.data.path, *(each.path for each in recipe.data.mix)))
    return list(dict.fromkeys(match["id"] for match in found if match))


def _results(scores: Scores | None) -> list:
    """Every score of the tuned model on the held-out rows, and the deciding one on general questions."""
    if scores is None:
        return []
    found = [_result(scores.asked, score) for score in scores.asked.scores]
    if scores.general:
        found.append(_result(scores.general, scores.general.deciding))
    return [result for result in found if math.isfinite(result.metric_value)]


def _result(part: Part, score: Score):
    from huggingface_hub import EvalResult

    held_out = "held-out rows" if part.name == "asked" else "general questions"
    return EvalResult(
        task_type=TASK,
        task_name=held_out.capitalize(),
        dataset_type=part.data,
        dataset_config=part.name,
        dataset_name=f"{part.data}, {held_out}",
        metric_type=score.metric,
        metric_name=METRICS[score.metric].title,
        metric_value=round(score.tuned.value, DIGITS),
        metric_args={"base": round(score.base.value, DIGITS), "rows": score.rows},
    )
