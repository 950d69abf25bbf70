"""The model card of an export: what the model is, whether it is better, how it was trained, and how to load it.

What a person named is text and no Markdown, so that a name can neither load a picture nor lead elsewhere.
"""

import re
from pathlib import Path

from finetune.evaluation import sheet
from finetune.evaluation.difference import difference
from finetune.evaluation.limits import license_words, limits
from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Score, Scores
from finetune.evaluation.verdict import verdict
from finetune.evaluation.words import interval, value
from finetune.exports.front_matter import Form, front_matter
from finetune.models.licenses import License, license_of_base
from finetune.models.usage import saved_json, usage
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.view import View

EXPERTS = (
    "A part of this adapter is for experts, which Transformers 5 keeps as one tensor. Transformers 4 loads the adapter "
    "without that part and says nothing: for programs that are built on it, export the merged model."
)
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#!|~])")


def card(run: Run, merged: str = "", repo: str = "", form: Form | None = None) -> str:
    """The model card, in Markdown with the YAML that the Hub reads.

    ``merged`` says how an adapter and its base became one full model; ``repo`` is the repository of the Hub that it is
    loaded from; ``form`` is what it was written as, where that is no folder of Transformers or PEFT.
    """
    recipe, view, scores = run.as_trained, run.view(), sheet.read(run)
    is_full_model = recipe.adapter.trains_base() or bool(merged)
    kind = "A language model, fine-tuned from" if is_full_model else "An adapter for"
    base = license_of_base(run)
    known = [*limits(recipe, view, scores), *([] if merged else filter(None, [reach(run)]))]
    known += [base.warning] if base and base.warning else []
    language, loading = (form.language, form.usage) if form else ("python", usage(run, bool(merged), repo))
    parts = [
        f"{front_matter(recipe, scores, is_full_model, base, form)}# {plain(recipe.name)}",
        f"{kind} {_base(recipe)}. Made with Finetune Studio.",
        _evaluation(scores) if scores else "",
        f"## Training\n\n{_training(recipe, view, merged, base)}",
        "## Limits\n\n" + "\n".join(f"- {plain(words)}" for words in known),
        f"## Load it\n\n```{language}\n{loading}\n```",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def plain(text: str) -> str:
    """``text`` in one line, as Markdown that shows it as it is."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """``text`` in one line as code, which it cannot end."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def _base(recipe: Recipe) -> str:
    if recipe.model.id == "starter":
        return "the starter model of Finetune Studio"
    return _code(recipe.model.id)


def _training(recipe: Recipe, view: View, merged: str, base: License | None) -> str:
    revision = f", revision {_code(recipe.model.revision)}" if recipe.model.revision else ""
    rows = f", {view.train_rows:,} rows" if view.train_rows else ""
    unit = recipe.method.loss_unit and f" {recipe.method.loss_unit}"
    held_out = f"\n- Held-out loss: {view.evaluations[-1].loss:.3f}{unit}" if view.evaluations else ""
    made = f"\n- Export: {merged}" if merged else ""
    return f"""- Base model: {_base(recipe)}{revision}
- Trained on: {_code(Path(recipe.data.path).name)}{rows}
- Method: {recipe.method.engineer}
- Trainable parameters: {recipe.adapter.engineer}
- Steps: {view.step:,}{held_out}{made}
- License: {plain(license_words(recipe, base))}

`recipe.yaml` has every setting."""


def _evaluation(scores: Scores) -> str:
    """The verdict, and every score before and after."""
    said = " ".join(plain(words) for words in verdict(scores).sentences)
    rows = [("", score) for score in scores.asked.scores]
    if scores.general:
        rows.append((", general questions", scores.general.score("contains") or scores.general.deciding))
    lines = "\n".join(_line(name, score) for name, score in rows)
    head = "| Metric | Base | Tuned | Difference |\n| --- | --- | --- | --- |"
    return f"## Evaluation\n\n{said}\n\n{head}\n{lines}\n\nIn parentheses: 95 % intervals."


def _line(name: str, score: Score) -> str:
    metric = METRICS[score.metric]
    both = (f"{value(metric, each.value)} ({interval(metric, each)})" for each in (score.base, score.tuned))
    return f"| {metric.title}{name} | {' | '.join(both)} | {difference(score)} |"


def reach(run: Run) -> str:
    """Who cannot load the saved model of ``run`` as it was trained, as sentences; empty if its base's readers can."""
    return EXPERTS if saved_json(run, "adapter_config.json").get("target_parameters") else ""
