"""The page's public endpoints: the whole path for a program, with ``gradio_client``.

Each returns plain values. A mistake that a person can fix is raised as a ``gr.Error`` with its message and hint.
"""

from functools import partial
from inspect import signature
from pathlib import Path

import gradio as gr

from finetune.errors import FinetuneError
from finetune.inference.chat import facts
from finetune.inference.question import messages
from finetune.inference.sampling import Sampling
from finetune.recipe import Recipe
from finetune.runs.view import RESUMABLE
from finetune.ui.compare.layout import LONGEST_QUESTION
from finetune.ui.data.counting import Counting
from finetune.ui.method.recipe_box import LONGEST_RECIPE
from finetune.ui.studio import Studio
from finetune.ui.train import actions

FIGURES = (
    "name",
    "state",
    "phase",
    "device",
    "step",
    "total_steps",
    "epoch",
    "train_rows",
    "held_out_rows",
    "parameters",
    "trainable",
    "elapsed_s",
    "eta_s",
    "tokens_per_s",
    "gauges",
    "fraction",
    "has_model",
    "code",
    "message",
    "hint",
    "revision",
)
"""The fields of a View that ``/status`` returns as they are."""


def draw(studio: Studio) -> None:
    """Add the endpoints to the page being built."""
    with gr.Group(visible=False):
        file, model, length = gr.File(), gr.Textbox("starter"), gr.Number(1024, precision=0)
        report, recipe, run, view = gr.JSON(), gr.Textbox(max_length=LONGEST_RECIPE), gr.Textbox(), gr.JSON()
        gr.Button().click(public(check, studio), [file, model, length], report, api_name="check")
        gr.Button().click(public(start, studio), recipe, run, api_name="start")
        gr.Button().click(public(status, studio), run, view, api_name="status", queue=False)
        gr.Button().click(public(stop, studio), run, view, api_name="stop")
        gr.Button().click(public(pause, studio), run, view, api_name="pause")
        gr.Button().click(public(resume, studio), run, view, api_name="resume")
        prompt, seed, tokens, greedy, system, both = (
            gr.Textbox(),
            gr.Number(7, precision=0),
            gr.Number(256, precision=0),
            gr.Checkbox(False),
            gr.Textbox(None),
            gr.JSON(),
        )
        gr.Button().click(
            public(compare, studio), [run, prompt, seed, tokens, greedy, system], both, api_name="compare"
        )


def public(endpoint, studio: Studio):
    """``endpoint`` with ``studio`` given; its errors reach the caller in words."""

    def call(*arguments):
        try:
            return endpoint(studio, *arguments)
        except FinetuneError as error:
            raise gr.Error(str(error), print_exception=False) from None

    call.__name__, call.__doc__ = endpoint.__name__, endpoint.__doc__
    # A client reads the names of the parameters here, and that one of them may be left out.
    call.__signature__ = signature(partial(endpoint, studio))
    return call


def check(studio: Studio, file: str, model: str, length: int) -> dict:
    """What a data file contains: format, rows, counts, findings, and as ``data`` its path for a recipe."""
    settings = studio.data.add_upload(Path(file), Path(file).name)
    # Not "path": clients take an object with a path for a file to download.
    return {"data": settings.path, **studio.data.checked(settings, Counting.of(model, length)).report.to_dict()}


def start(studio: Studio, recipe: str) -> str:
    """Queue a run of a recipe in YAML; returns the run's id."""
    return studio.start(Recipe.from_yaml(recipe)).id


def status(studio: Studio, run_id: str) -> dict:
    """The figures of a run now."""
    run = studio.workspace.run(run_id)
    view = studio.view(run)
    facts = {"run": run.id, **{name: getattr(view, name) for name in FIGURES}}
    facts["loss"] = view.steps[-1].loss if view.steps else None
    facts["best_step"] = view.best.step if view.best else None
    facts["resumable"] = view.state in RESUMABLE
    facts["evaluations"] = [evaluation.model_dump() for evaluation in view.evaluations]
    facts["samples"] = [sample.model_dump() for sample in view.samples]
    facts["choices"] = [choice.model_dump() for choice in view.choices]
    facts["notes"] = [note.message for note in view.notes]
    return facts


def stop(studio: Studio, run_id: str) -> dict:
    """Stop a run and keep its model so far, or remove it from the queue; returns its status."""
    actions.stop(studio, run_id)
    return status(studio, run_id)


def pause(studio: Studio, run_id: str) -> dict:
    """Have a run save a checkpoint and make room for others; returns its status."""
    actions.pause(studio, run_id)
    return status(studio, run_id)


def resume(studio: Studio, run_id: str) -> dict:
    """Queue a run again that ended unfinished, to continue from its last checkpoint; returns its status."""
    actions.resume(studio, run_id)
    return status(studio, run_id)


def compare(
    studio: Studio, run_id: str, prompt: str, seed: int, max_tokens: int, greedy: bool, system: str | None = None
) -> dict:
    """The answers of base and tuned to one prompt, after the ``system`` prompt: without one, the recipe's."""
    run = studio.workspace.run(run_id)
    question = messages(run.recipe, prompt[:LONGEST_QUESTION], system=system)
    sampling = Sampling(seed=seed, max_tokens=max_tokens, greedy=greedy)
    with studio.queue.beside():
        *_, reply = studio.pairs.get(run.id).reply(question, question, sampling)
    return facts(reply)
