"""The fold “Help me choose”: four questions, an advice with its reasons, and the proof whether a prompt would do.

What to advise is decided in ``finetune.advice``; here it is asked and shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape

import gradio as gr

from finetune.adapters import ADAPTERS
from finetune.advice import HAVE_OF, QUESTIONS, Advice, Answers, Situation, advise
from finetune.errors import FinetuneError
from finetune.inference.few_shot import SHOTS, Tried, few_shot
from finetune.methods import METHODS
from finetune.models.inspection import inspect
from finetune.models.known import known_models
from finetune.models.locate import downloaded
from finetune.models.preview import known
from finetune.recipe import ModelSettings
from finetune.ui import views
from finetune.ui.data.desk import Chosen
from finetune.ui.method.catalog import title
from finetune.ui.method.fit import Current
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

ASK = "Answer the first two questions, and the advice appears here."
TITLES = {
    "": "Recommended",
    "facts": "Do not fine-tune",
    "nothing": "Do not fine-tune yet",
    "few": "Do not fine-tune yet",
}
JUDGE = "If the answers with examples are good enough, a prompt does it, and nothing needs training."
LOADING = "Loading the base model…"


@dataclass
class Parts:
    """The components of the fold."""

    questions: list[gr.Radio | gr.CheckboxGroup]
    """One for each of ``QUESTIONS``."""
    advice: gr.State
    shown: gr.HTML
    use: gr.Button
    prove: gr.Button
    tried: gr.HTML


def draw() -> Parts:
    """The fold, closed, with no question answered."""
    with gr.Accordion("Help me choose", open=False, elem_id="advisor"):
        with gr.Row(elem_classes="questions"):
            questions = [
                (gr.CheckboxGroup if each.many else gr.Radio)(
                    [(words, key) for key, words in each.choices.items()],
                    label=each.title,
                    value=[] if each.many else "this" if each.name == "machine" else None,
                    elem_id=f"ask-{each.name}",
                    min_width=260,
                )
                for each in QUESTIONS
            ]
        shown = gr.HTML(views.small(ASK), elem_id="advice")
        with gr.Row(elem_classes="actions"):
            use = gr.Button("Use this", variant="primary", size="sm", visible=False, elem_id="use-advice")
            prove = gr.Button(
                f"Try a prompt with {SHOTS} of your rows instead", size="sm", visible=False, elem_id="prove"
            )
        tried = gr.HTML(elem_id="tried")
    return Parts(questions=questions, advice=gr.State(None), shown=shown, use=use, prove=prove, tried=tried)


def wire(studio: Studio, parts: Parts, current: Current, chosen: gr.State, given: list, start: list) -> None:
    """The fold's own events; using the advice reaches another tab and is wired in ``page``.

    ``given`` are the inputs that make up a recipe, ``start`` those of the model.
    """
    have = parts.questions[0]
    chosen.change(suggest_have, [chosen, have], have, api_name="advisor_have", **QUIET)
    gr.on(
        [*(each.change for each in parts.questions), chosen.change, start[0].change],
        partial(answer, studio),
        [chosen, start[0], *parts.questions],
        [parts.advice, parts.shown, parts.use, parts.prove],
        trigger_mode="always_last",
        api_name="advisor_answer",
        **QUIET,
    )
    parts.prove.click(partial(prove, studio, current), [chosen, *given], parts.tried, api_name="advisor_prove", **QUIET)


def suggest_have(chosen: Chosen | None, have: str | None) -> str | None:
    """What the person has, as the chosen data says; what was answered before stays."""
    if have or chosen is None:
        return have
    return "checker" if chosen.kind == "prompt" else HAVE_OF.get(chosen.kind)


def answer(
    studio: Studio, chosen: Chosen | None, model: str, have: str | None, change: str | None, keep: list, machine: str
) -> tuple[Advice | None, str, gr.Button, gr.Button]:
    """The advice, in words, and the buttons to use it and to test it."""
    if not have or not change:
        return None, views.small(ASK), gr.Button(visible=False), gr.Button(visible=False)
    found = advise(Answers(have, change, tuple(keep or ()), machine or "this"), situation(studio, chosen, model))
    label, variant = ("Use it all the same", "secondary") if found.against else ("Use this", "primary")
    has_answers = chosen is not None and chosen.kind in ("chat", "preference", "rated")
    return (
        found,
        words(found),
        gr.Button(label, variant=variant, visible=True),
        gr.Button(visible=has_answers),
    )


def situation(studio: Studio, chosen: Chosen | None, model: str) -> Situation:
    """What is known of data, model and machine."""
    kind, rows, tokens = "", 0, 0
    if chosen:
        kind, tokens = chosen.kind, chosen.counts.tokens
        rows = chosen.counts.rows + chosen.counts.held_out - chosen.mixed
    return Situation(kind, rows, tokens, parameters(studio, model), _free_bytes(studio), model == "starter")


def parameters(studio: Studio, model: str) -> int:
    """The number of a model's parameters, as far as it is known here; else 0."""
    settings = ModelSettings.model_construct(id=model or "")
    try:
        if folder := downloaded(settings, studio.workspace):
            return inspect(folder, model).weights.elements
    except FinetuneError:
        return 0
    if (preview := known(settings)) and preview.inspection:
        return preview.inspection.weights.elements
    return int(next((each.parameters for each in known_models() if each.id == model), 0))


def _free_bytes(studio: Studio) -> int:
    """Bytes to train in on this machine; 0 until the heavy libraries are loaded."""
    if not studio.queue.is_warm:
        return 0
    from finetune.machine import hardware

    return hardware.free_bytes(hardware.machine())


def words(advice: Advice) -> str:
    """An advice as HTML: what to do, and why."""
    pair = f"{title(METHODS[advice.method])} with {title(ADAPTERS[advice.adapter])}"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in advice.reasons)
    head = f"<h3>{TITLES[advice.against]}{'' if advice.against else f': {escape(pair)}'}</h3>"
    rest = f"<p>To train all the same: {escape(pair)}.</p>" if advice.against else ""
    kind = " warning" if advice.against else ""
    return f"<section class='notice{kind}' role='status'>{head}<ul>{reasons}</ul>{rest}</section>"


def prove(studio: Studio, current: Current, chosen: Chosen | None, *given) -> Iterator[str]:
    """The base's answers to held-out questions, plainly and with rows in the prompt, as they come."""
    yield views.small(LOADING)
    try:
        studio.rights.require_training()
        recipe = current(chosen, given)
        train, held_out = studio.data.split(recipe.data, recipe.training.seed)
        with studio.queue.beside():
            for tried in few_shot(recipe, studio.workspace, train, held_out):
                yield compared(tried)
    except FinetuneError as error:
        yield views.notice_of(error)


def compared(tried: list[Tried]) -> str:
    """Each question with the expected answer and the two that the base gave."""
    blocks = "".join(_question(each) for each in tried)
    is_done = all(each.prompted is not None for each in tried)
    return f"<section class='answers tried'>{blocks}{views.small(JUDGE) if is_done else ''}</section>"


def _question(one: Tried) -> str:
    examples = f"{one.shots} examples" if one.shots else "examples"
    lines = (("expected", one.expected, "base"), ("base", one.plain, ""), (f"with {examples}", one.prompted, "tuned"))
    rows = "".join(f"<div class='{kind}'><dt>{who}</dt><dd>{_said(text)}</dd></div>" for who, text, kind in lines)
    return f"<article><h4>{escape(one.question)}</h4><dl>{rows}</dl></article>"


def _said(text: str | None) -> str:
    return "…" if text is None else escape(text.strip()) or "(nothing)"
