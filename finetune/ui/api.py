"""The page's public endpoints: the whole path for a program, with ``gradio_client``.

Each returns plain values. A mistake a person can mend is raised as a ``gr.Error`` with its message and hint.
"""

from pathlib import Path

import gradio as gr

from finetune.errors import FinetuneError
from finetune.inference.chat import Sampling
from finetune.recipe import Recipe
from finetune.runs.view import RESUMABLE
from finetune.ui.compare.tab import LONGEST_QUESTION
from finetune.ui.data.counting import Counting
from finetune.ui.studio import Studio
from finetune.ui.train import queue

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
    "memory_bytes",
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
        report, recipe, run, view = gr.JSON(), gr.Textbox(), gr.Textbox(), gr.JSON()
        gr.Button().click(said(check, studio), [file, model, length], report, api_name="check")
        gr.Button().click(said(start, studio), recipe, run, api_name="start")
        gr.Button().click(said(status, studio), run, view, api_name="status", queue=False)
        gr.Button().click(said(stop, studio), run, view, api_name="stop")
        gr.Button().click(said(pause, studio), run, view, api_name="pause")
        gr.Button().click(said(resume, studio), run, view, api_name="resume")
        prompt, seed, tokens, greedy, both = (
            gr.Textbox(),
            gr.Number(7, precision=0),
            gr.Number(256, precision=0),
            gr.Checkbox(False),
            gr.JSON(),
        )
        gr.Button().click(said(compare, studio), [run, prompt, seed, tokens, greedy], both, api_name="compare")


def said(endpoint, studio: Studio):
    """``endpoint`` with ``studio`` given, its errors in words for the caller."""

    def call(*arguments):
        try:
            return endpoint(studio, *arguments)
        except FinetuneError as error:
            raise gr.Error(str(error), print_exception=False) from None

    call.__name__, call.__doc__ = endpoint.__name__, endpoint.__doc__
    return call


def check(studio: Studio, file: str, model: str, length: int) -> dict:
    """What is in a data file: format, rows, counts, findings, and as ``data`` the path that a recipe names it by."""
    settings = studio.data.add_upload(Path(file), Path(file).name)
    # Not "path": clients take an object with a path for a file to download.
    return {"data": settings.path, **studio.data.checked(settings, Counting.of(model, length)).report.to_dict()}


def start(studio: Studio, recipe: str) -> str:
    """Queue a run of a recipe in YAML; returns the run's id."""
    return studio.start(Recipe.from_yaml(recipe)).id


def status(studio: Studio, run_id: str) -> dict:
    """What is known of a run now."""
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
    """Ask a run to stop and keep the model so far, or take it out of the line; returns its status."""
    return status(studio, queue.stop(studio, run_id).id)


def pause(studio: Studio, run_id: str) -> dict:
    """Ask a run to save where it is and make room for others; returns its status."""
    return status(studio, studio.queue.pause(run_id).id)


def resume(studio: Studio, run_id: str) -> dict:
    """Put a run that has ended unfinished in line, to go on from its last checkpoint; returns its status."""
    return status(studio, studio.queue.resume(run_id).id)


def compare(studio: Studio, run_id: str, prompt: str, seed: int, max_tokens: int, greedy: bool) -> dict:
    """What base and tuned answer to one prompt."""
    run = studio.workspace.run(run_id)
    question = [{"role": "user", "content": prompt[:LONGEST_QUESTION]}]
    sampling = Sampling(seed=seed, max_tokens=max_tokens, greedy=greedy)
    with studio.queue.beside():
        *_, reply = studio.pairs.get(run.id).reply(question, question, sampling)
    return {"base": reply.base, "tuned": reply.tuned, "tokens_per_s": round(reply.tokens_per_s, 1)}
