"""The recipe in YAML, in a fold of the Method tab, with the ways in and out."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr

from finetune.errors import FinetuneError
from finetune.recipe import Recipe
from finetune.runs.numbering import slug
from finetune.ui import downloads, views
from finetune.ui.downloads import Downloads
from finetune.ui.method import sweep
from finetune.ui.views import QUIET

LONGEST_RECIPE = 100_000
"""Characters of an uploaded recipe that are read."""


@dataclass
class RecipeBox:
    """The components of the recipe in YAML."""

    text: gr.Textbox
    queue: gr.Button
    use: gr.Button
    open: gr.UploadButton
    download: gr.Button
    ready: gr.Textbox
    """Hidden: the link to the file to download."""


def draw() -> RecipeBox:
    """The fold, closed."""
    with gr.Accordion("Recipe (YAML)", open=False, elem_id="recipe"):
        gr.HTML(
            views.small(
                "Everything that decides a run, in a few lines. Keep it, share it, or paste one here: equal recipes on "
                "equal data give equal runs. For a sweep, give a setting several values, for instance learning_rate: "
                "[0.001, 0.003]."
            )
        )
        text = gr.Textbox(
            lines=12,
            max_lines=30,
            max_length=LONGEST_RECIPE,
            show_label=False,
            label="Recipe",
            buttons=["copy"],
            elem_id="recipe-text",
            elem_classes="mono",
        )
        with gr.Row(elem_classes="actions"):
            queue = gr.Button("Queue all runs", variant="primary", size="sm", visible=False, elem_id="recipe-queue")
            use = gr.Button("Use this recipe", size="sm")
            file = gr.UploadButton("Open a file", file_types=[".yaml", ".yml"], size="sm")
            download = gr.Button("Download", size="sm")
            ready = downloads.slot()
    return RecipeBox(text=text, queue=queue, use=use, open=file, download=download, ready=ready)


def wire(box: RecipeBox, files: Downloads) -> None:
    """The ways in and out; writing and using the recipe are wired where the form is."""
    box.download.click(partial(download, files), box.text, box.ready, api_name="recipe_file", **QUIET).then(
        None, box.ready, None, js=downloads.TO_FILE, api_visibility="private"
    )
    box.text.change(sweep.offer, box.text, box.queue, api_name="recipe_offer", **QUIET)
    box.open.upload(read_text, box.open, box.text, api_name="recipe_open", **QUIET)


def download(files: Downloads, text: str) -> str:
    """The link to a new file that holds the recipe."""
    return files.link(save_text(files.folder(), text))


def save_text(folder: Path, text: str) -> str:
    """The path of a new file in ``folder`` that holds the recipe."""
    try:
        name = slug(Recipe.from_yaml(text).name)
    except FinetuneError:
        name = "recipe"
    path = folder / f"{name}.yaml"
    path.write_text(text or "", encoding="utf-8")
    return str(path)


def read_text(path: str) -> str:
    """The text of an uploaded recipe."""
    return Path(path).read_text(encoding="utf-8", errors="replace")[:LONGEST_RECIPE]
