"""The fold “Rewards”, for methods that sample answers: what counts as good, and what the base earns now."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape

import gradio as gr

from finetune.errors import FinetuneError
from finetune.methods import METHODS
from finetune.rewards import REWARDS
from finetune.training.reward_preview import Attempted, Preview, preview
from finetune.ui import views
from finetune.ui.data.desk import Chosen
from finetune.ui.form import Form
from finetune.ui.method.fit import Current
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

WORDS = (
    "The model tries several answers to each question, and rewards say how good each one is. One reward per line; "
    "their weighted sum is what it learns to raise."
)
SAMPLING = "The base answers five prompts…"
SAMPLED = [name for name, cls in METHODS.items() if cls.generates]
"""The methods that learn from rewards."""


@dataclass
class Parts:
    """The components of the fold."""

    fold: gr.Accordion
    boxes: dict[str, gr.Column]
    """The rewards of each method."""
    kind: gr.Dropdown
    add: gr.Button
    try_out: gr.Button
    tried: gr.HTML


def draw(form: Form, method: str) -> Parts:
    """The fold with the rewards of each method that has them; hidden unless ``method`` is one of these."""
    with gr.Accordion("Rewards", open=True, visible=method in SAMPLED, elem_id="rewards") as fold:
        gr.HTML(views.small(WORDS))
        boxes = {}
        for name in SAMPLED:
            with gr.Column(visible=name == method) as boxes[name]:
                form.draw(f"method.{name}", METHODS[name], "rewards", elem_classes="mono")
        with gr.Row(elem_classes="fields"):
            kind = gr.Dropdown(
                [(cls.title, name) for name, cls in REWARDS.items()],
                value=next(iter(REWARDS)),
                filterable=False,
                label="Another reward",
                info="Adds a line with an example, to be changed.",
                elem_id="reward-kind",
            )
            with gr.Column(min_width=0, elem_classes="actions"):
                add = gr.Button("Add the line", size="sm", elem_id="reward-add")
                try_out = gr.Button("What does the base earn now?", size="sm", elem_id="reward-try")
        tried = gr.HTML(elem_id="reward-tried")
    return Parts(fold=fold, boxes=boxes, kind=kind, add=add, try_out=try_out, tried=tried)


def wire(studio: Studio, parts: Parts, form: Form, method: gr.Dropdown, current: Current, given: list) -> None:
    """The fold's events; ``given`` are the data and the settings, of which ``current`` makes the recipe."""
    boxes = list(parts.boxes.values())
    method.change(show, method, [parts.fold, *boxes, parts.tried], api_name="rewards_show", **QUIET)
    lines = [form.inputs[f"method.{name}.rewards"] for name in SAMPLED]
    parts.add.click(added, [parts.kind, method, *lines], lines, api_name="rewards_add", **QUIET)
    parts.try_out.click(
        partial(try_rewards, studio, current), given, parts.tried, api_name="rewards_try", concurrency_limit=1, **QUIET
    )


def show(method: str) -> tuple:
    """The fold, if ``method`` has rewards, with those of this method; what was tried is gone."""
    boxes = (gr.Column(visible=name == method) for name in SAMPLED)
    return gr.Accordion(visible=method in SAMPLED), *boxes, ""


def added(kind: str, method: str, *lines: str) -> list[str]:
    """The rewards of each method, with a line of ``kind`` more in those of ``method``."""
    return [
        "\n".join(filter(None, [(text or "").rstrip(), REWARDS[kind].example])) if name == method else text
        for name, text in zip(SAMPLED, lines)
    ]


def try_rewards(studio: Studio, current: Current, chosen: Chosen | None, *given) -> Iterator[str]:
    """What the base answers to five prompts, and what each answer earns; or why it cannot be tried."""
    yield views.small(SAMPLING)
    try:
        recipe = current(chosen, given)
        studio.queue.require_runnable(recipe, trusted=False)
        yield drawn(preview(recipe, studio.workspace, trusted=False))
    except FinetuneError as error:
        yield views.notice_of(error)


def drawn(found: Preview) -> str:
    """The answers as a list of groups, under the sentence that sums them up."""
    kind = "" if found.spread else " warning"
    groups = "".join(_group(*group) for group in found.groups)
    return f"<p class='verdict{kind}' role='status'>{escape(found.sentence)}</p><div class='groups'>{groups}</div>"


def _group(prompt: str, expected: str | None, attempts: tuple[Attempted, ...]) -> str:
    """One prompt with its different answers, the best first; equal ones are counted."""
    counted: dict[str, list[Attempted]] = {}
    for each in attempts:
        counted.setdefault(each.text, []).append(each)
    ranked = sorted(counted.values(), key=lambda same: -same[0].total)
    wanted = f" <span class='small'>expected: {escape(expected)}</span>" if expected is not None else ""
    rows = "".join(_answer(same[0], len(same)) for same in ranked)
    return f"<section><p class='question'>{escape(prompt)}{wanted}</p><ul class='attempts'>{rows}</ul></section>"


def _answer(each: Attempted, times: int) -> str:
    shown = [f"{name} {'–' if value is None else format(value, '.2g')}" for name, value in each.rewards.items()]
    more = f" <span class='small'>× {times}</span>" if times > 1 else ""
    parts = f" <span class='small'>{escape(', '.join(shown))}</span>" if len(shown) > 1 else ""
    return f"<li><b>{each.total:.2f}</b><span>{escape(each.text) or '(nothing)'}{more}{parts}</span></li>"
