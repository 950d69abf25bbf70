"""Where data comes from: files, pasted text, a dataset on the Hub, or a sample that ships with the studio."""

import json
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from pydantic import ValidationError

from finetune.data.readers import READABLE, SUFFIXES
from finetune.data.readers.dialect import delimiter_of
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from finetune.runs.kept import COLLECTIONS, count
from finetune.settings import problems_of
from finetune.ui import views
from finetune.ui.data import uploads
from finetune.ui.data.desk import DataDesk
from finetune.ui.data.samples import FOLDER, KEPT, offers, sample_entries
from finetune.ui.data.uploads import Uploads

MOST_PASTED = 2_000_000
"""Characters of a paste; more is a file."""
SNIFFED = 65536
"""Characters of a paste in which a delimiter is looked for."""


@dataclass
class Intake:
    """The components of the left half."""

    file: gr.File
    pasted: gr.Textbox
    use_pasted: gr.Button
    hub_id: gr.Textbox
    hub_config: gr.Textbox
    hub_split: gr.Textbox
    load: gr.Button
    uploads: Uploads
    samples: gr.HTML


def draw(desk: DataDesk) -> Intake:
    """The components, in the order they are read."""
    file = gr.File(
        label="Drop files here",
        show_label=False,
        file_types=list(SUFFIXES),
        file_count="multiple",
        height=150,
        elem_id="file",
    )
    gr.HTML(
        views.small(
            f"{READABLE}. Messy files are welcome: you see how each is understood before anything is trained. Several "
            "files with the same columns are read as one dataset. Your data stays on this machine."
        )
    )
    with gr.Accordion("Paste text", open=False, elem_id="paste"):
        pasted = gr.Textbox(
            label="Rows",
            info="JSON, JSON lines, a table with a header, or paragraphs of text.",
            lines=6,
            max_lines=14,
            max_length=MOST_PASTED,
            elem_id="pasted",
            elem_classes="mono",
        )
        use_pasted = gr.Button("Use this text", size="sm", elem_id="use-pasted")
    with gr.Accordion("Load a dataset from the Hugging Face Hub", open=False, elem_id="hub"):
        hub_id = gr.Textbox(label="Dataset", info="Its id, such as openai/gsm8k.", elem_id="hub-id")
        with gr.Row(elem_classes="fields"):
            hub_config = gr.Textbox(label="Configuration", info="Only if it has several.", min_width=120)
            hub_split = gr.Textbox(label="Split", info="Left empty: train.", min_width=120)
        load = gr.Button("Load", size="sm", elem_id="hub-load")
    kept = uploads.draw()
    return Intake(
        file=file,
        pasted=pasted,
        use_pasted=use_pasted,
        hub_id=hub_id,
        hub_config=hub_config,
        hub_split=hub_split,
        load=load,
        uploads=kept,
        samples=gr.HTML(offers(desk.workspace), js_on_load=views.PICK, elem_id="samples"),
    )


def from_files(desk: DataDesk, paths: list[str]) -> tuple[DataSettings, str]:
    """The settings that read uploaded files as one table, and the name of the data."""
    first, *others = [desk.add_upload(Path(path), Path(path).name).path for path in paths]
    return DataSettings(path=first, also=tuple(others)), Path(paths[0]).stem


def from_text(desk: DataDesk, text: str) -> tuple[DataSettings, str]:
    """The settings that read pasted text, and the name of the data."""
    if not text.strip():
        raise DataError("There is nothing to read yet.", "Paste some rows into the box first.")
    return desk.add_text(text[:MOST_PASTED], suffix_of(text)), "pasted text"


def suffix_of(text: str) -> str:
    """The suffix that a file with this text would have."""
    first, *others = text.strip().splitlines()
    if first.startswith("{") and first.rstrip().endswith("}") and (others or _is_row(first)):
        return ".jsonl"
    if first[0] in "[{":
        return ".json"
    return ".csv" if delimiter_of(text[:SNIFFED]) else ".txt"


def _is_row(line: str) -> bool:
    """True for one object of plain values, such as a row of a table has."""
    try:
        return not any(isinstance(value, list) for value in json.loads(line).values())
    except ValueError:
        return True


def from_hub(name: str, config: str, split: str) -> tuple[DataSettings, str]:
    """The settings that read a dataset on the Hub, and the name of the data."""
    name = name.strip().removeprefix("https://huggingface.co/").removeprefix("datasets/").strip("/")
    if not name:
        raise DataError("There is no dataset to load yet.", "Write its id, such as openai/gsm8k.")
    try:
        settings = DataSettings(
            path=f"hf://datasets/{name}", config=config.strip() or None, split=split.strip() or None
        )
    except ValidationError as error:
        raise DataError("It cannot be loaded like this.", " ".join(map(str, problems_of(error)))) from None
    return settings, name.rpartition("/")[2]


def from_offer(desk: DataDesk, pick: str) -> tuple[DataSettings, str]:
    """The settings that read what was picked among the ``offers``, and the name of the data."""
    return from_kept(desk, pick.removeprefix(KEPT)) if pick.startswith(KEPT) else from_sample(pick)


def from_kept(desk: DataDesk, key: str) -> tuple[DataSettings, str]:
    """The settings that read the rows of the collection ``key`` as they are now, and the name of the data.

    They are copied, like an upload: a run still has its rows when more are kept.
    """
    collection = COLLECTIONS.get(key)
    if collection is None or not count(desk.workspace, collection):
        raise DataError("There are no such rows yet.", "Keep or correct an answer on the Compare tab first.")
    return desk.add_upload(collection.path(desk.workspace), collection.file), collection.title.lower()


def from_sample(file: str) -> tuple[DataSettings, str]:
    """The settings that read the shipped sample ``file``, and the name of the data."""
    entry = next((entry for entry in sample_entries() if entry["file"] == file), None)
    if entry is None:
        raise DataError(f"There is no sample {file[:60]!r}.", "Choose one from the list.")
    return DataSettings(path=f"{FOLDER}/{entry['file']}"), entry["title"].lower()
