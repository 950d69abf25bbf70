"""Python source that loads a tuned model, as a model card and a report show it."""

import json

from finetune.models.architecture import PICTURES_TOO, TEXT, architecture
from finetune.runs.run import Run


def usage(run: Run, merged: bool = False, repo: str = "") -> str:
    """Python source that loads what ``run`` has saved, as an export lays it out: ``model``, or the merged folder.

    With ``repo`` it is loaded from that repository of the Hub.
    """
    recipe = run.as_trained
    is_full_model = recipe.adapter.trains_base() or merged
    code = "" if is_full_model else recipe.adapter.code.rpartition(".")[2]
    folder = repo or ("." if merged else "model")
    return _source(recipe.model.id, is_full_model, folder, auto_class(run), code, bool(repo))


def auto_class(run: Run) -> str:
    """The class of Transformers that loads the model, or the base of the adapter, that ``run`` has saved."""
    if config := saved_json(run, "config.json"):
        return architecture(config, run.id).auto_class
    return PICTURES_TOO if saved_json(run, "adapter_config.json").get("auto_mapping") else TEXT


def saved_json(run: Run, name: str) -> dict:
    """The JSON object in a file beside the saved weights of ``run``; an empty one if there is no such file."""
    path = run.model_dir / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _source(
    base: str, is_full_model: bool, folder: str, auto_class: str, code: str = "", is_remote: bool = False
) -> str:
    """The source, by a class of Transformers.

    ``code`` is the module in ``folder`` that makes the adapter's type known to PEFT, if it is none of PEFT's own.
    ``folder`` is a repository of the Hub if it ``is_remote``.
    """
    tokenizer = f'tokenizer = AutoTokenizer.from_pretrained("{folder}")'
    if is_full_model:
        return f"""from transformers import {auto_class}, AutoTokenizer

model = {auto_class}.from_pretrained("{folder}")
{tokenizer}"""
    here = f'snapshot_download("{folder}")' if is_remote else f'"{folder}"'
    known = (
        f"""
sys.path.append({here})
import {code}  # makes PEFT know this type of adapter
"""
        if code
        else ""
    )
    fetching = "from huggingface_hub import snapshot_download\n" if code and is_remote else ""
    return f"""{"import sys" + chr(10) * 2 if code else ""}{fetching}from peft import PeftModel
from transformers import {auto_class}, AutoTokenizer
{known}
base = {auto_class}.from_pretrained({json.dumps(_shared(base), ensure_ascii=False)})
model = PeftModel.from_pretrained(base, "{folder}")
{tokenizer}"""


def _shared(base: str) -> str:
    """A base as others find it: its id on the Hub, or the name of its folder without what lies above."""
    if base == "starter":
        return "PATH/TO/assets/starter"
    return base
