"""The YAML at the head of a model card, as the Hub reads it: base, data, library, tags, and the scores.

The license is that of the base, whose terms a tuned model is bound to. What is not known is left out.
"""

import math
import re
from typing import NamedTuple

from finetune.data.hub import ADDRESS
from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Part, Score, Scores
from finetune.models.licenses import OTHER, License
from finetune.recipe import Recipe

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)
TASK = "text-generation"
DIGITS = 4


class Form(NamedTuple):
    """What the model was written as, where that is no folder of Transformers or PEFT."""

    library: str
    """As the Hub calls it."""
    tags: tuple[str, ...]
    """Further tags of the Hub."""
    relation: str
    """How the Hub calls what was made of the base: ``finetune``, ``quantized``."""
    language: str
    """Of ``usage``, as a block of Markdown names it: ``sh``, ``python``."""
    usage: str
    """How it is loaded."""


def front_matter(
    recipe: Recipe,
    scores: Scores | None,
    is_full_model: bool,
    base: License | None = None,
    form: Form | None = None,
) -> str:
    """The YAML between its two lines of dashes, with a line feed at the end.

    ``base`` is the license of the base, None if it is not known; ``form`` is what else than a folder it was written as.
    """
    from huggingface_hub import ModelCardData

    makes_scorer, tags = recipe.method.makes_scorer, form.tags if form else ()
    model = recipe.model.id if HUB_ID.fullmatch(recipe.model.id) else None
    relation = form.relation if form else "finetune" if is_full_model else "adapter"
    known = {"base_model_relation": relation} if model else {}
    if base and base.key == OTHER:
        named = {"license_name": base.name, "license_link": base.link}
        known |= {name: given for name, given in named.items() if given}
    data = ModelCardData(
        model_name=recipe.name,
        base_model=model,
        library_name=form.library if form else "transformers" if is_full_model else "peft",
        license=base.key if base else None,
        pipeline_tag="text-classification" if makes_scorer else TASK,
        datasets=_datasets(recipe) or None,
        tags=list(dict.fromkeys(["finetune-studio", *tags, recipe.method.type, recipe.adapter.type])),
        eval_results=_results(scores) or None,
        **known,
    )
    return f"---\n{data.to_yaml().rstrip()}\n---\n"


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
